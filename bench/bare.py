"""The yardstick: a Flask application that does nothing, served as the product is."""

from typing import Any

from flask import Flask

app = Flask("bare", static_folder=None)


@app.get("/")
def get() -> dict[str, Any]:
    return {"ok": True}


@app.post("/")
def post() -> dict[str, Any]:
    return {"ok": True}
