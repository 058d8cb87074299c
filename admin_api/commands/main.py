"""`manage.py authplane`: words in, an exit status out.

0: done. 1: refused, or something failed. 2: what was typed cannot be run.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from admin_api.commands import completion, options, showing
from admin_api.commands.catalogue import Command, commands, nearest, noun_of, verb_of
from admin_api.commands.confirming import confirm
from admin_api.commands.options import Asked, Unusable
from admin_api.commands.running import Answer, run, run_all
from admin_api.doctor import command as doctor
from audit import record

DONE, REFUSED, UNUSABLE = 0, 1, 2
HELP: Final = frozenset({"-h", "--help", "help"})
BAD_INPUT: Final = frozenset({400, 413, 415, 422})

TOOLS: Final[dict[str, tuple[Callable[[Sequence[str]], int], str]]] = {
    "doctor": (doctor.main, "check this deployment and say what to do"),
    "completion": (completion.main, "print the completion of a shell: bash or zsh"),
}
"""Commands that are no noun of the operator API, and what they do."""


def main(words: Sequence[str]) -> int:
    """The exit status; results on standard output, everything else on standard error."""
    try:
        return _dispatch(list(words))
    except Unusable as error:
        _say(f"{error}.")
        return UNUSABLE
    except SystemExit as ended:
        # argparse ends the process after it printed help.
        return ended.code if isinstance(ended.code, int) else UNUSABLE
    except BrokenPipeError:
        # `| head` has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in HELP:
        _print(*_overview())
        return DONE
    if words[0] in TOOLS:
        return TOOLS[words[0]][0](words[1:])
    noun = noun_of(words[0])
    if noun is None:
        raise Unusable(_unknown(words[0], [*commands(), *TOOLS], "noun", "authplane --help"))
    verbs = commands()[noun]
    if len(words) == 1 or words[1] in HELP:
        _print(*_verbs_of(noun))
        return DONE if len(words) > 1 else UNUSABLE
    verb = verb_of(words[1], verbs)
    if verb is None:
        raise Unusable(_unknown(words[1], verbs, f"verb of {noun}", f"authplane {noun} --help"))
    return _run(verbs[verb], words[2:])


def _run(command: Command, words: list[str]) -> int:
    asked = options.read(command, words)
    if not confirm(command, asked):
        _say("Nothing was done.")
        return REFUSED
    if asked.everything:
        answer = run_all(command, asked.values, url=asked.url, query=asked.query,
                         noun=command.operation.listed)  # fmt: skip
    else:
        answer = run(command, asked.path, asked.values, body=asked.body, headers=asked.headers)
    if answer.parts is not None:
        _pass_on(answer.parts)
    elif asked.as_json:
        if answer.text:
            _print(answer.text)
    elif not answer.ok:
        _say(*showing.refused(command, answer))
    else:
        _show(command, answer, asked)
    if answer.ok:
        return DONE
    return UNUSABLE if answer.status in BAD_INPUT else REFUSED


def _pass_on(parts: Iterable[bytes]) -> None:
    """A file goes to standard output as it comes."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for part in parts:
        sys.stdout.write(decoder.decode(part))
    sys.stdout.flush()
    record.write_waiting()


def _show(command: Command, answer: Answer, asked: Asked) -> None:
    """The answer for people. What only they need goes to standard error, out of a pipe's way."""
    document = answer.document
    if document is None:
        _print(answer.text or showing.done(command))
        return
    rows = document.get(command.operation.listed) if command.operation.listed else None
    if isinstance(rows, list):
        if rows:
            _print(*showing.table(rows, columns=asked.columns))
        _say(*filter(None, [showing.remaining(command, document, shown=len(rows))]))
        return
    _print(*showing.single(document))
    if tag := answer.headers.get("ETag", "").strip('"'):
        _say(f"version {tag}")
    once = sorted(showing.SHOWN_ONCE & set(document))
    if once and command.method == "POST":
        _say(f"{once[0]} {showing.ONCE}.")
    if "dry_run" in asked.query:
        _say("A rehearsal: nothing was stored.")


def _overview() -> Iterator[str]:
    yield "authplane NOUN VERB: what the operator API does, on the database, without a key."
    yield ""
    nouns = commands()
    width = max(map(len, nouns))
    for noun, verbs in nouns.items():
        yield f"  {noun.ljust(width)}  {', '.join(verbs)}"
    yield ""
    for name, (_, text) in TOOLS.items():
        yield f"  {name.ljust(width)}  {text}"
    yield ""
    yield "authplane NOUN --help says what its verbs do, authplane NOUN VERB --help their options."
    yield "Singulars work too (client list), and get, update, delete for show, change, remove."
    yield "Exit status: 0 done, 1 refused or failed, 2 cannot be run as typed."


def _verbs_of(noun: str) -> Iterator[str]:
    yield f"authplane {noun} VERB"
    yield ""
    verbs = commands()[noun]
    words = {
        verb: " ".join([verb, *(name.upper() for name in command.parameters)])
        for verb, command in verbs.items()
    }
    width = max(map(len, words.values()))
    for verb, command in verbs.items():
        yield f"  {words[verb].ljust(width)}  {command.operation.summary}".rstrip()


def _unknown(word: str, known: Iterable[str], kind: str, see: str) -> str:
    meant = " or ".join(nearest(word, known))
    guess = f"; did you mean {meant}" if meant else ""
    return f"{showing.plain(word)} is no {kind}{guess} (see: {see})"


def _print(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _say(*lines: str) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")
