"""Puts the API together from its parts."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.api import (
    cameras,
    catalogue,
    commands,
    coverage,
    erasing,
    evidence,
    figures,
    health,
    history,
    importing,
    inbox,
    incidents,
    latest,
    models,
    originals,
    person,
    points,
    previewing,
    records,
    reviewing,
    session,
    static,
    stream,
)
from gateway.api.metrics import HouseCollector, Requests
from gateway.api.middleware import HEADERS, Guard
from gateway.api.parts import Parts
from gateway.api.problems import MEDIA_TYPE, PROBLEMS, Problem
from gateway.clock import SystemClock
from gateway.registry import NotFound, RegistryError

ERRORS_MAX = 20

log = structlog.get_logger(__name__)


def create_app(parts: Parts | None) -> FastAPI:
    """The application. Without parts it answers nothing but knows its OpenAPI document."""
    app = FastAPI(
        title="Community safety gateway",
        version="1",
        description=_description(),
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # it would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    registry = CollectorRegistry()
    app.state.parts, app.state.registry, app.state.rate = parts, registry, person.Rate()
    if parts is not None:
        registry.register(HouseCollector(parts))
    api = APIRouter(prefix="/api/v1", responses={"default": {
        "description": "A problem (RFC 9457).",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }})  # fmt: skip
    for one in (
        session,
        commands,
        incidents,
        points,
        latest,
        history,
        erasing,
        evidence,
        originals,
        reviewing,
        previewing,
        cameras,
        coverage,
        figures,
        inbox,
        catalogue,
        importing,
        records,
        stream,
        health,
    ):
        api.include_router(one.router)
    app.include_router(api)
    app.include_router(health.outside)
    app.include_router(person.router)
    app.include_router(static.router)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RegistryError, _registry)
    app.add_exception_handler(NotFound, _not_found)
    app.add_exception_handler(Exception, _bug)
    app.add_middleware(Guard, requests=Requests(registry), clock=parts.clock if parts else SystemClock())
    _document(app)
    return app


def _document(app: FastAPI) -> None:
    """Publish the shape of problems and leave out FastAPI's own, which we never send."""
    made = app.openapi

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = made()
            shapes = schema["components"]["schemas"]
            problem = models.ProblemDocument.model_json_schema()
            shapes["ProblemDocument"] = {**problem, "additionalProperties": True}
            for name in ("HTTPValidationError", "ValidationError"):
                shapes.pop(name, None)
            for path in schema["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to change its document


def _description() -> str:
    lines = [f"- `{code}` ({status}): {meaning}" for code, (status, meaning) in PROBLEMS.items()]
    return (
        "Incidents, alarms, points and acts of a community safety gateway. Times are RFC 3339 with offset; lists are "
        "paged by `cursor`; `seq` says how far the data reaches and `?min_seq=` waits for it (2 s at most). Acts need "
        "`Idempotency-Key`, edits `If-Match`, writes by cookie `X-CSRF`.\n\nProblems are `application/problem+json` "
        "with `type` `urn:csg:problem:<code>`:\n\n" + "\n".join(lines)
    )


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _unreadable(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        {"where": ".".join(str(step) for step in one["loc"])[:200], "what": str(one["msg"])[:200]}
        for one in error.errors()[:ERRORS_MAX]
    ]
    # What was sent is not repeated: it may hold a password.
    return Problem(
        "invalid", "; ".join(f"{f['where']}: {f['what']}" for f in found[:3]), errors=found
    ).response()


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        response = Problem("method_not_allowed").response()
        response.headers.update(error.headers or {})
        return response
    if (code := {404: "no_route", 408: "slow", 413: "too_large"}.get(error.status_code)) is not None:
        return Problem(code).response()
    return Problem("invalid", str(error.detail)[:200]).response()


async def _registry(_request: Request, error: Exception) -> Response:
    log.error("registry failed", reason=str(error))
    return Problem("registry_failed").response()


async def _not_found(_request: Request, _error: Exception) -> Response:
    return Problem("not_found").response()


async def _bug(request: Request, error: Exception) -> Response:
    # API boundary: one request's bug must not end the process; it is logged whole and counted as a 500.
    log.error("request failed", route=getattr(request.scope.get("route"), "path", "?"), exc_info=error)
    response = Problem("internal").response()
    # Starlette answers a bug outside of every middleware, and so outside of the guard.
    response.headers.update({name.decode(): value.decode() for name, value in HEADERS.items()})
    return response
