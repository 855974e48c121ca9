"""What a person can do about an answer, in the languages of the page."""

from parrot.http.schemas import Names
from parrot.records import Reason

TIPS: dict[Reason, Names] = {
    Reason.NO_BIRD: Names(
        en="Point the camera at the bird, or zoom in on it.",
        ko="새가 잘 보이도록 새를 향해 찍거나 확대해서 찍어 보세요.",
    ),
    Reason.OTHER_BIRD: Names(
        en="If you are sure that it is a parrot, photograph its head and beak from the side.",
        ko="앵무새가 확실하다면 머리와 부리를 옆에서 찍어 보세요.",
    ),
    Reason.NOT_ALIVE: Names(
        en="Photograph the living bird itself, not a picture or a toy.",
        ko="그림이나 장난감이 아니라 살아 있는 새를 직접 찍어 보세요.",
    ),
    Reason.TOO_SMALL: Names(
        en="Go closer to the bird, or send the photo in its full size.",
        ko="새에게 더 가까이 가거나 사진을 원본 크기로 보내 보세요.",
    ),
    Reason.BLURRED: Names(
        en="Hold the phone still, and tap the bird to focus on it.",
        ko="휴대폰을 흔들리지 않게 잡고 새를 눌러 초점을 맞춰 보세요.",
    ),
    Reason.TOO_DARK: Names(
        en="Take the photo again with more light.",
        ko="더 밝은 곳에서 다시 찍어 보세요.",
    ),
}
MAYBE_TIP = Names(
    en="Go closer, or add a photo that shows its head and beak from the side.",
    ko="더 가까이에서 찍거나, 머리와 부리가 옆에서 보이는 사진을 더해 보세요.",
)
