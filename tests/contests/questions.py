"""Questions that tests share."""

from api.contests.rules.marking import Question

SINGLE = Question("single", "Which?", ("one", "two", "three", "four"), (1,), 500)
MULTIPLE = Question("multiple", "Which ones?", ("one", "two", "three", "four"), (0, 3), 500)
TRUTH = Question("true_false", "Is it?", (), ("false",), 500)
BLANKS = Question("fill_in", "__ and __", (), (("30", "thirty"), ("two",)), 500)
