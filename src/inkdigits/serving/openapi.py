"""What /openapi.json tells of the service beyond its routes: forms, examples, errors."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from inkdigits.serving.limits import MEBIBYTE, Limits


class DigitForm(BaseModel):
    """One digit and where it stands."""

    digit: int | None = Field(ge=0, le=9, description="null where it was refused")
    probability: float = Field(ge=0, le=1, description="of the likeliest digit, even then")
    box: list[int] = Field(min_length=4, max_length=4, description="x, y, width, height")
    refused: str | None = Field(description="why there is no digit, else null")
    probabilities: list[float] | None = Field(
        None, min_length=10, max_length=10, description="of 0 to 9; with detail=true"
    )
    ink: list[int] | None = Field(
        None, min_length=784, max_length=784, description="what the network saw; with detail=true"
    )


class LineForm(BaseModel):
    """Digits that stand in a line, from left to right."""

    text: str = Field(description="the digits, ? for one that was refused")
    digits: list[DigitForm]


class ReadingForm(BaseModel):
    """What was read from one picture, as `inkdigits read --json` prints it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "image": None,
                "lines": [
                    {
                        "text": "7",
                        "digits": [
                            {
                                "digit": 7,
                                "probability": 0.9998,
                                "box": [4, 4, 20, 20],
                                "refused": None,
                            }
                        ],
                    }
                ],
                "refused": None,
            }
        }
    )
    image: str | None = Field(description="the file's name; null here, where there is none")
    lines: list[LineForm] = Field(description="from top to bottom")
    refused: str | None = Field(description="why the picture gives no answer, else null")


class ReaderForm(BaseModel):
    """Which reader answers."""

    inkdigits: str = Field(description="version of the software", examples=["0.1.0"])
    classes: list[str] = Field(examples=[list("0123456789")])
    threshold: float = Field(ge=0, le=1, description="less probable answers are refused")
    temperature: float = Field(gt=0, description="what logits were divided by")
    origin: dict[str, str] = Field(
        description="what was trained, on what and how", examples=[{"network": "report_cnn"}]
    )


class StateForm(BaseModel):
    """Whether something is so."""

    status: str = Field(examples=["ready"])


class ErrorDetail(BaseModel):
    """What is wrong, in one line."""

    kind: str = Field(description="usage, data, limit, slow, busy or failed")
    message: str
    where: str | None = Field(description="the place in the request, if it can be named")


class ErrorForm(BaseModel):
    """The form of every error."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "error": {
                    "kind": "data",
                    "message": "not a picture in a format known here; save it as PNG",
                    "where": None,
                }
            }
        }
    )
    error: ErrorDetail


def answers(form: Any, *errors: int) -> dict[int | str, dict[str, Any]]:
    """Describe the answers of a route: ``form`` with 200, and errors with these statuses."""
    told: dict[int | str, dict[str, Any]] = {200: {"model": form}}
    return told | {n: {"model": ErrorForm, "description": TOLD[n]} for n in errors}


TOLD = {
    400: "the body is no picture, or no list of digit images",
    403: "asked by a page of another site",
    408: "the body did not arrive in time",
    413: "the body or the picture is too large",
    415: "the body is packed in a form that is not read here",
    503: "full, warming up, or too slow for the deadline; Retry-After tells when to come again",
}


def read_operation(limits: Limits) -> dict[str, Any]:
    """Describe the body and the options of POST /v1/read."""
    picture = {"schema": {"type": "string", "format": "binary"}}
    rows = [0] * 784
    images = {
        "type": "object",
        "required": ["images"],
        "additionalProperties": False,
        "properties": {
            "images": {
                "type": "array",
                "description": f"28×28 images, row by row, white ink on black; at most "
                f"{limits.images}",
                "items": {
                    "type": "array",
                    "minItems": 784,
                    "maxItems": 784,
                    "items": {"type": "integer", "minimum": 0, "maximum": 255},
                },
            }
        },
    }
    kinds = ("png", "jpeg", "webp", "bmp", "gif", "tiff")
    return {
        "parameters": [
            _option("detail", "also tell all ten probabilities and what the network saw"),
            _option("one", "exactly one digit is expected; several are refused"),
        ],
        "requestBody": {
            "required": True,
            "description": f"a picture as it is (at most {limits.body / MEBIBYTE:g} MiB and "
            f"{limits.pixels // 1_000_000} megapixels), or digit images as JSON",
            "content": {f"image/{kind}": picture for kind in kinds}
            | {"application/json": {"schema": images, "example": {"images": [rows]}}},
        },
    }


def _option(name: str, text: str) -> dict[str, Any]:
    schema = {"type": "boolean", "default": False}
    return {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
