"""Texts near the contract's forms: every form, separator, number of digits, zone and sign, and slips of each."""

import random
import re

from .contract_values import LONG, SHORT, WHITE

MONTHS = [name.title() for name in SHORT + LONG] + ["JAN", "dec", "Foo", "Sept"]
ZONES = [
    "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Argentina/Buenos_Aires",
    "America/St_Johns", "Etc/GMT+5", "Japan", "Zulu", "CET", "EST", "EST5EDT", "Cet", "SystemV/AST4",
    "Nowhere/City", "europe/paris",
]  # fmt: skip
OFFSETS = [
    "Z",
    "z",
    "UTC",
    "GMT",
    "+02",
    "-0330",
    "+05:30",
    "+14:00",
    "-14:01",
    "+15",
    "+05:75",
    "-00:00",
    "+2",
]
BLANKS = ["", " ", " ", "  ", "\u00a0"]


class Texts:
    """Draws texts from one source of chance."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def pick(self, *items: str) -> str:
        return self.chance.choice(items)

    def happens(self, share: float) -> bool:
        return self.chance.random() < share

    def digits(self, count: int) -> str:
        return "".join(self.chance.choice("0123456789") for _ in range(count))

    def number(self, last: int, *, is_padded: bool = False) -> str:
        value = str(self.chance.randint(0, last))
        return value.zfill(2) if is_padded or self.happens(0.5) else value

    def year(self) -> str:
        return self.pick(str(self.chance.randint(1890, 2110)), "2026", "2024", "1970", "1900", "2099")

    def any_year(self) -> str:
        return self.year() if self.happens(0.7) else self.digits(2)

    def clock(self) -> str:
        text = f"{self.number(24)}:{self.number(60, is_padded=True)}"
        if self.happens(0.7):
            text += f":{self.number(61, is_padded=True)}"
            if self.happens(0.3):
                text += self.pick(".", ",") + self.digits(self.chance.randint(0, 9))
        if self.happens(0.25):
            text += self.pick(*BLANKS) + self.pick("AM", "PM", "am", "pm", "Pm", "xm")
        return text

    def zone(self) -> str:
        offset, name = self.pick(*OFFSETS), self.pick(*ZONES)
        name = self.pick(name, f"[{name}]", "[UTC]", "[GMT]")
        blank, other = self.pick(*BLANKS), self.pick(*BLANKS)
        return self.pick("", "", blank + offset, blank + offset, blank + name, blank + offset + other + name)

    def time(self) -> str:
        return (
            self.pick("T", " ", " ", "  ", "t", ":") + self.clock() + self.zone()
            if self.happens(0.75)
            else ""
        )

    def instant(self) -> str:
        forms = [
            self.year_first, self.three_numbers, self.three_numbers, self.compact, self.epoch,
            self.named_month, self.log_time, self.asctime,
        ]  # fmt: skip
        return self.slipped(self.chance.choice(forms)(), "0123456789 -/:.,TZ+[]aP\u00a0\x01eE１").strip(WHITE)

    def separators(self) -> tuple[str, str]:
        first = self.pick("-", "/", ".")
        return first, first if self.happens(0.95) else self.pick("-", "/", ".")

    def year_first(self) -> str:
        one, two = self.separators()
        return self.year() + one + self.number(13) + two + self.number(32) + self.time()

    def three_numbers(self) -> str:
        one, two = self.separators()
        last = self.any_year() if self.happens(0.8) else self.number(32)
        return self.number(32) + one + self.number(self.chance.choice([12, 32])) + two + last + self.time()

    def compact(self) -> str:
        date = self.year() + self.number(13, is_padded=True) + self.number(32, is_padded=True)
        if self.happens(0.2):
            return date
        time = "".join(self.number(last, is_padded=True) for last in (24, 60, 61))
        tail = self.pick("", ".5", ",123456789", ".") + self.pick("", "", " PM", "AM") + self.zone()
        return date + self.pick("T", "", " ") + time + tail

    def epoch(self) -> str:
        text = self.digits(self.chance.choice([8, 9, 10, 10, 11, 12, 13, 13, 14, 15, 16, 17, 18, 18, 19, 20]))
        text = self.pick(text, "1768303934123456789"[: len(text)], "639039007340000000")
        if self.happens(0.3):
            text += "." + self.digits(self.chance.randint(0, 9))
        if self.happens(0.2):
            mantissa = self.pick(
                "1.768303934", "17.68303934", "0.1768303934", "6.3903900734", "1768303934.123"
            )
            text = mantissa + self.pick("e", "E") + self.pick("", "+", "-") + self.number(20)
        return text

    def named_month(self) -> str:
        month, day, year = self.pick(*MONTHS), self.number(32), self.any_year()
        if self.happens(0.4):
            return month + " " + day + self.pick(", ", " ", ",", "  ") + year + self.time()
        one = self.pick(" ", "-")
        two = one if self.happens(0.95) else " "
        weekday = self.pick("", "", "Tue, ", "Xyz, ", "tue, ", "Tuesday, ")
        return weekday + day + one + month + two + year + self.time()

    def log_time(self) -> str:
        date = f"{self.number(32)}/{self.pick(*MONTHS)}/{self.any_year()}"
        time = self.pick(":", ":", " ", "T") + self.clock() + self.zone() if self.happens(0.8) else ""
        return self.pick("", "[", "[[") + date + time

    def asctime(self) -> str:
        day = self.pick(*MONTHS) + self.pick(" ", "  ") + self.number(32)
        zone = self.pick(*OFFSETS, *ZONES, "")
        return f"{self.pick('Tue', 'wed', 'Foo')} {day} {self.clock()} {zone} {self.year()}"

    def amount(self) -> str:
        text = self.sign(0.2) + self.currency(0.3) + self.sign(0.1) + self.plain_or_grouped()
        text += self.sign(0.1) + self.currency(0.2) + self.sign(0.1)
        if self.happens(0.15):
            text = f"({text})"
        if self.happens(0.05):
            text = self.pick("(" + text, text + ")")
        return self.slipped(text, "0123456789 .,-+()eE$'\u00a0x１").strip(WHITE)

    def sign(self, share: float) -> str:
        return self.pick("-", "+", "- ", " -") if self.happens(share) else ""

    def currency(self, share: float) -> str:
        return (
            self.pick("$", "£", "€", "¥ ", "₹", "EUR", "USD ", " EUR", "usd", "EU")
            if self.happens(share)
            else ""
        )

    def plain_or_grouped(self) -> str:
        decimals = self.pick(".", ",") + self.digits(self.chance.choice([0, 1, 2, 2, 3, 3, 4, 5, 8]))
        if self.happens(0.4):
            part = self.pick(",", ".", " ", "\u00a0", "\u202f", "'", "\u2019")
            groups = [
                self.digits(3 if self.happens(0.95) else 2)
                for _ in range(self.chance.choice([1, 1, 2, 4, 5]))
            ]
            text = part.join([self.digits(self.chance.choice([1, 2, 3, 4])), *groups])
            return text + self.pick("", decimals)
        text = self.digits(self.chance.choice([0, 1, 2, 3, 5, 13, 14, 15])) + self.pick(
            "", decimals, decimals
        )
        if self.happens(0.15):
            text += (
                self.pick("e", "E")
                + self.pick("", "+", "-")
                + self.pick("0", "2", "12", "13", "999", "9" * 20)
            )
        special = self.pick(
            "99999999999999.99995", "9.99999999999999989e13", "0.00005", "0,075", "000,123", "0"
        )
        return special if self.happens(0.1) else text

    def slipped(self, text: str, alphabet: str) -> str:
        """One character in some texts left out, put in, or mistaken."""
        if not text or not self.happens(0.15):
            return text
        at, other = self.chance.randrange(len(text)), self.chance.choice(alphabet)
        return text[:at] + self.pick("", other, other + text[at]) + text[at + 1 :]

    def field(self) -> str:
        """A raw field: white space of all kinds, null words in any case, invisible characters."""
        white = "".join(self.chance.choice(WHITE) for _ in range(self.chance.randint(0, 2)))
        words = [
            "NULL",
            "(null)",
            "None",
            "n/a",
            "#N/A",
            "NaN",
            "UNDEFINED",
            "nil",
            "-",
            "--",
            "\\N",
            "nul",
            "---",
        ]
        value = self.pick(*words, "", "u123", "7", "a b", "é", "x\u200b", "~", "\x1c", "A" * 12, "un1")
        tail = "".join(self.chance.choice(WHITE) for _ in range(self.chance.randint(0, 2)))
        return re.sub("\0", "", white + value + tail)
