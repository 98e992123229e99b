"""Decodes an uploaded image and writes it anew: nothing is served that a customer's tool has written.

Metadata (places, names, thumbnails), trailing bytes and files that are two formats at once do not survive.
"""

import hashlib
import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from domain.errors import InvalidInput

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
MAX_PIXELS = 20_000_000
_MODES = {"PNG": ("RGB", "RGBA", "L", "LA", "P"), "JPEG": ("RGB", "L"), "WEBP": ("RGB", "RGBA")}


@dataclass(frozen=True)
class EncodedImage:
    """An image as we wrote it; `digest` is the SHA-256 of its bytes, in hex."""

    content: bytes
    content_type: str

    @property
    def digest(self) -> str:
        """What names these bytes."""
        return hashlib.sha256(self.content).hexdigest()


def reencode(data: bytes) -> EncodedImage:
    """The image in `data`, its first frame, in its own format; takes CPU time, so call it in a thread.

    Raises:
        InvalidInput: no PNG, JPEG or WebP by content, damaged, or of more than 20 million pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=list(FORMATS)) as image:
                return _written(image)
    except UnidentifiedImageError:
        raise InvalidInput("The body is no PNG, JPEG or WebP image.") from None
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InvalidInput("The image is damaged or too large.") from None


def _written(image: Image.Image) -> EncodedImage:
    # The size stands in the header: refuse before a pixel is decoded.
    if image.width * image.height > MAX_PIXELS:
        raise InvalidInput("The image has more than 20 million pixels.")
    name = str(image.format)
    image.load()
    # A phone's photo lies on its side and says so in its metadata, which we drop: so turn it now.
    upright = ImageOps.exif_transpose(image)
    pixels = upright if upright.mode in _MODES[name] else upright.convert(_MODES[name][0])
    clean = Image.new(pixels.mode, pixels.size)
    if pixels.mode == "P":
        pixels = pixels.convert("RGBA")
        clean = Image.new("RGBA", pixels.size)
    clean.paste(pixels)
    written = io.BytesIO()
    clean.save(written, format=name, **({"quality": 90} if name in {"JPEG", "WEBP"} else {}))
    return EncodedImage(written.getvalue(), FORMATS[name])
