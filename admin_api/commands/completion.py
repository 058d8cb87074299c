"""Completion of nouns, verbs and options in bash and zsh, written out: TAB starts nothing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from admin_api.commands.catalogue import commands
from admin_api.commands.options import Unusable, parser_of

SHELLS: Final = ("bash", "zsh")
TOOLS: Final = ("doctor", "completion")

_BASH: Final = """\
# eval "$(manage.py authplane completion bash)"
_authplane() {
  local start=1 word words=""
  local cur="${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  if [[ "${COMP_WORDS[0]##*/}" != authplane ]]; then
    if [[ "${COMP_WORDS[1]}" != authplane || $COMP_CWORD == 1 ]]; then
      [[ $COMP_CWORD == 1 ]] && COMPREPLY=($(compgen -W authplane -- "$cur"))
      return
    fi
    start=2
  fi
  if (( COMP_CWORD == start )); then
    words="%(nouns)s"
  elif (( COMP_CWORD == start + 1 )); then
    case "${COMP_WORDS[start]}" in
%(verbs)s
    esac
  elif [[ "$cur" == -* ]]; then
    case "${COMP_WORDS[start]} ${COMP_WORDS[start + 1]}" in
%(options)s
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _authplane authplane manage.py ./manage.py
"""

_ZSH: Final = """\
#compdef authplane manage.py
# eval "$(manage.py authplane completion zsh)"
_authplane() {
  local start=2
  local -a found
  if [[ "${words[1]:t}" != authplane ]]; then
    if [[ "${words[2]}" != authplane ]]; then
      (( CURRENT == 2 )) && compadd authplane
      return
    fi
    start=3
  fi
  if (( CURRENT == start )); then
    compadd %(nouns)s
  elif (( CURRENT == start + 1 )); then
    case "${words[start]}" in
%(verbs)s
    esac
    _describe verb found
  elif [[ "${words[CURRENT]}" == -* ]]; then
    case "${words[start]} ${words[start + 1]}" in
%(options)s
    esac
    compadd -- $found
  else
    _files
  fi
}
compdef _authplane authplane manage.py
"""


def main(words: Sequence[str]) -> int:
    """The completion of the shell that is named, on standard output.

    Raises: Unusable.
    """
    if len(words) != 1 or words[0] not in SHELLS:
        raise Unusable(f"say one of: {', '.join(SHELLS)}")
    sys.stdout.write(script(words[0]))
    return 0


def script(shell: str) -> str:
    """What the shell reads once."""
    nouns = " ".join([*commands(), *TOOLS])
    verbs, options = "\n".join(_verbs(shell)), "\n".join(_options(shell))
    return (_BASH if shell == "bash" else _ZSH) % {
        "nouns": nouns,
        "verbs": verbs,
        "options": options,
    }


def _verbs(shell: str) -> Iterator[str]:
    for noun, verbs in commands().items():
        if shell == "bash":
            yield f'      {noun}) words="{" ".join(verbs)}" ;;'
            continue
        told = " ".join(
            f"'{verb}:{_quoted(command.operation.summary)}'" for verb, command in verbs.items()
        )
        yield f"      {noun}) found=({told}) ;;"
    yield f"      completion) {_set(shell, SHELLS)} ;;"
    yield f"      doctor) {_set(shell, ('--json', '--only', '--timeout', '--list'))} ;;"


def _options(shell: str) -> Iterator[str]:
    for noun, verbs in commands().items():
        for verb, command in verbs.items():
            flags = [
                flag for action in parser_of(command)._actions  # noqa: SLF001 - no public way
                for flag in action.option_strings
                if flag.startswith("--") and action.help != argparse.SUPPRESS
            ]  # fmt: skip
            yield f'      "{noun} {verb}") {_set(shell, flags)} ;;'


def _set(shell: str, words: Sequence[str]) -> str:
    return f'words="{" ".join(words)}"' if shell == "bash" else f"found=({' '.join(words)})"


def _quoted(text: str) -> str:
    """Inside of single quotes; a colon would end the verb."""
    return text.replace("\\", "").replace("'", "'\\''").replace(":", "\\:")
