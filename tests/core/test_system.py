"""Running it: health, readiness, documents, refusals outside any route."""

from flask.testing import FlaskClient

from tests.factories import World


def test_healthz_is_up(client: FlaskClient) -> None:
    assert client.get("/api/v1/healthz").get_json() == {"status": "ok"}


def test_an_unknown_address_is_a_problem_in_the_readers_language(client: FlaskClient) -> None:
    chinese = client.get("/api/v1/nowhere")
    english = client.get("/api/v1/nowhere", headers={"Accept-Language": "en"})
    assert chinese.status_code == english.status_code == 404
    assert chinese.mimetype == "application/problem+json"
    assert chinese.headers["Content-Language"] == "zh-CN"
    assert english.get_json()["title"] == "There is nothing here under this address."


def test_jobs_of_others_are_not_found(world: World) -> None:
    anna = world.a_member()
    reply = anna.get("/jobs/00000000-0000-7000-8000-000000000000")
    assert reply.status_code == 404
