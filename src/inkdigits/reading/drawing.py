"""Boxes and readings, drawn on the picture that was read."""

from collections.abc import Iterable

from PIL import Image, ImageDraw, ImageFont

from inkdigits.images import Images

LONG_SIDE = 1600
TO_SEE = 320  # pixels, at most, that a smaller picture is enlarged to
SMALLEST, LARGEST = 11, 60  # height of a reading
READ = (0, 110, 200)
REFUSED = (210, 90, 0)

Box = tuple[int, int, int, int]


def draw_boxes(picture: Images, boxes: Iterable[tuple[Box, str]]) -> Image.Image:
    """Draw each box (x, y, width, height) with its text above it on a grey picture (H, W).

    Returns a colour image, made smaller if it is more than 1600 pixels wide or high, and enlarged
    if less than half of 320. What has been read stands in blue; refused digits, whose text is ?, in
    orange.
    """
    image = Image.fromarray(picture)
    image.thumbnail((LONG_SIDE, LONG_SIDE))
    times = max(1, TO_SEE // max(image.size))
    size = image.width * times, image.height * times
    image = image.resize(size, Image.Resampling.NEAREST)  # its pixels are to be seen
    image = image.convert("RGB")
    across, down = image.width / picture.shape[1], image.height / picture.shape[0]
    draw = ImageDraw.Draw(image)
    for (x, y, width, height), text in boxes:
        colour = REFUSED if text == "?" else READ
        left, top = x * across, y * down
        corner = left + width * across, top + height * down
        draw.rectangle((left - 2, top - 2, corner[0] + 1, corner[1] + 1), outline=colour, width=2)
        tall = max(min(height * down * 0.45, top - 3, LARGEST), SMALLEST)
        place = max(left, 0), max(top - 3, tall)
        draw.text(place, text, colour, ImageFont.load_default(tall), anchor="ls")
    return image
