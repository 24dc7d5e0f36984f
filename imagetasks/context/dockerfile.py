"""A Dockerfile in memory: override what the image runs, find and replace the images it is built from.

The user's file is never written. Whatever is not asked for stays as it was, byte for byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import dropwhile
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from imagetasks.context.dockerfile_parser import Instruction, escape_character, parse_instructions
from imagetasks.context.dockerfile_variables import Variables, expand, global_variables
from imagetasks.errors import DockerfileError, Position

# Docker's own for Linux; the ``SHELL`` of an image outside the file cannot be known here.
_DEFAULT_SHELL = ("/bin/sh", "-c")
_NO_BUILD_ARGS: Mapping[str, str] = MappingProxyType({})

_FROM_WORD = re.compile(r"[^\t\v\f\r ]+")
# Where an image stands in the words of an instruction.
_IMAGE_IN_WORD = {
    "FROM": re.compile(r"(?P<image>.+)", re.DOTALL),
    "COPY": re.compile(r"--from=(?P<image>.+)", re.DOTALL),
    "RUN": re.compile(r"""--mount=(?:.*,)?["']?from=(?P<image>[^,"']+).*""", re.DOTALL),
}


class ImageUse(NamedTuple):
    """A word of a Dockerfile that names an image from elsewhere.

    ``name`` is the name with variables filled in, ``position`` is for people, ``start`` and ``end`` are the word's
    place in the text.
    """

    name: str
    position: Position
    start: int
    end: int


class Stage(NamedTuple):
    """A ``FROM`` and what follows it up to the next. ``name`` is in lower case, ``""`` if the stage has none."""

    name: str
    instructions: tuple[Instruction, ...]

    def last(self, keyword: str) -> Instruction | None:
        """The last instruction of a kind, which for ``CMD`` and ``ENTRYPOINT`` is the one that counts."""
        return next((each for each in reversed(self.instructions) if each.keyword == keyword), None)


class Dockerfile(NamedTuple):
    """A Dockerfile; made by :meth:`parse`. ``file`` is its path as people know it, for messages."""

    text: str
    file: str
    escape: str
    preamble: tuple[Instruction, ...]
    stages: tuple[Stage, ...]

    @classmethod
    def parse(cls, text: str, file: str) -> Dockerfile:
        """Parse the whole text of a Dockerfile, line endings as in the file.

        Raises :class:`DockerfileError` for a text without ``FROM`` or with a ``FROM`` that names nothing. All else
        is left to the builder.
        """
        instructions = parse_instructions(text)
        starts = [index for index, each in enumerate(instructions) if each.keyword == "FROM"]
        if not starts:
            raise DockerfileError("a Dockerfile needs at least one FROM instruction", Position(file, 1, 1))
        stages = []
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            words = _words_of_from(instructions[start])
            if not words:
                position = _position(text, file, instructions[start].start)
                raise DockerfileError("FROM names no image; write FROM and an image or an earlier stage", position)
            stages.append(Stage(_stage_name(words), instructions[start:end]))
        return cls(text, file, escape_character(text), instructions[: starts[0]], tuple(stages))

    def override(
        self,
        entrypoint: Sequence[str] | None,
        cmd: Sequence[str] | None,
        target: str,
        build_args: Mapping[str, str] = _NO_BUILD_ARGS,
    ) -> Dockerfile:
        """The same Dockerfile with another ``ENTRYPOINT`` and ``CMD`` at the end of the target stage.

        ``None`` leaves an instruction alone, an empty sequence clears it (reference, section "Configuration file").
        ``target`` is the name or the number of a stage, ``""`` the last one; an unknown one raises
        :class:`DockerfileError`.

        To a builder a new ``ENTRYPOINT`` also clears a ``CMD`` that the stage has from its base. A ``CMD`` from an
        earlier stage of the file is therefore repeated; one from an image outside the file is lost, as the
        Dockerfile reference says ("Understand how CMD and ENTRYPOINT interact"), unless ``cmd`` is given as well.
        """
        index = self._target_index(target)
        lines = []
        if entrypoint is not None:
            lines.append(f"ENTRYPOINT {_exec_form(entrypoint)}")
        if cmd is not None:
            lines.append(f"CMD {_exec_form(cmd)}")
        elif entrypoint is not None:
            lines.extend(self._inherited_cmd(index, build_args))
        return self._append(index, lines) if lines else self

    def append(self, instructions: Sequence[str], target: str) -> Dockerfile:
        """The same Dockerfile with instructions at the end of the target stage, which is chosen as for an override.

        An instruction may have several lines. Raises :class:`DockerfileError` for an unknown target.
        """
        index = self._target_index(target)
        return self._append(index, instructions) if instructions else self

    def image_references(self, build_args: Mapping[str, str], target: str) -> tuple[ImageUse, ...]:
        """The images that a build of the stages up to the target takes from outside the file, in the file's order.

        They stand in ``FROM``, ``COPY --from=`` and ``RUN --mount=from=``. Stages of the file and ``scratch`` are
        left out, and so are names that cannot be known before the build. Raises :class:`DockerfileError` for an
        unknown target.
        """
        variables = self._variables(build_args)
        uses = []
        declared = {"scratch"}
        for stage in self.stages[: self._target_index(target) + 1]:
            for instruction in stage.instructions:
                for word in _image_words(instruction):
                    name = self._image_name(instruction, word["image"], variables)
                    if name and name.lower() not in declared:
                        uses.append(self._image_use(instruction, word, name))
            declared.add(stage.name)
        return tuple(uses)

    def with_images(self, replacements: Mapping[str, str], build_args: Mapping[str, str], target: str) -> Dockerfile:
        """The same Dockerfile with other images in the places that :meth:`image_references` finds.

        ``replacements`` maps a name, just as it is found there, to the reference to write instead.
        """
        text = self.text
        for use in reversed(self.image_references(build_args, target)):
            if use.name in replacements:
                text = text[: use.start] + replacements[use.name] + text[use.end :]
        return self if text == self.text else Dockerfile.parse(text, self.file)

    def _target_index(self, target: str) -> int:
        if not target:
            return len(self.stages) - 1
        numbers = [str(index) for index in range(len(self.stages))]
        index = self._stage_index(target, len(self.stages))
        if index is not None:
            return index
        if target in numbers:
            return numbers.index(target)
        known = ", ".join(stage.name or number for stage, number in zip(self.stages, numbers, strict=True))
        raise DockerfileError(f"the Dockerfile {self.file} has no stage {target!r}; its stages are {known}")

    def _stage_index(self, name: str, before: int) -> int | None:
        """The last stage of that name among the first ``before`` ones; upper and lower case are the same."""
        return next((index for index in reversed(range(before)) if self.stages[index].name == name.lower()), None)

    def _variables(self, build_args: Mapping[str, str]) -> Variables:
        return global_variables(self.preamble, build_args, self.escape)

    def _image_name(self, instruction: Instruction, word: str, variables: Variables) -> str | None:
        if instruction.keyword == "FROM":
            return expand(word, variables, self.escape)
        if word.isdecimal() or "$" in word:  # a stage's number; builders replace no variables here
            return None
        return expand(word, {}, self.escape)

    def _image_use(self, instruction: Instruction, word: re.Match[str], name: str) -> ImageUse:
        start = instruction.offsets[word.start("image")]
        end = instruction.offsets[word.end("image") - 1] + 1
        return ImageUse(name, _position(self.text, self.file, start), start, end)

    def _lineage(self, index: int, build_args: Mapping[str, str]) -> Iterator[Stage]:
        """The stage, the stage it is built from, and so on as far as the file goes."""
        variables = self._variables(build_args)
        parent: int | None = index
        while parent is not None:
            stage = self.stages[parent]
            yield stage
            base = expand(_words_of_from(stage.instructions[0])[0][0], variables, self.escape)
            parent = self._stage_index(base, parent) if base else None

    def _inherited_cmd(self, index: int, build_args: Mapping[str, str]) -> list[str]:
        """The lines that repeat the ``CMD`` which the stage has from an earlier stage of the file, if it has one."""
        lineage = list(self._lineage(index, build_args))
        for stage in lineage:
            cmd = stage.last("CMD")
            if cmd:
                return [] if stage is lineage[0] else [self._repeat(cmd, lineage)]
            if stage.last("ENTRYPOINT"):
                return []
        return []

    def _repeat(self, cmd: Instruction, lineage: Sequence[Stage]) -> str:
        """``cmd`` as it has to be written at the end of a lineage to mean what it means in its own place."""
        history = [each for stage in reversed(lineage) for each in stage.instructions]
        place = history.index(cmd)
        shell_changes = any(each.keyword == "SHELL" for each in history[place:])
        if not shell_changes or _parse_exec_form(cmd.arguments) is not None:
            return self.text[cmd.start : cmd.end].rstrip("\r\n")
        shells = [_parse_exec_form(each.arguments) for each in history[:place] if each.keyword == "SHELL"]
        shell = (shells[-1] if shells else None) or _DEFAULT_SHELL
        return f"CMD {_exec_form([*shell, cmd.arguments])}"

    def _append(self, index: int, lines: Sequence[str]) -> Dockerfile:
        last = self.stages[index].instructions[-1]
        # A line that promises another one would swallow ours; only at the end of a file can there be one.
        end = last.text_end if last.unfinished else last.end
        line_ending = "\r\n" if self.text.partition("\n")[0].endswith("\r") else "\n"
        before = self.text[:end]
        if not before.endswith("\n"):
            before += line_ending
        added = "".join(line + line_ending for line in lines)
        return Dockerfile.parse(before + added + self.text[last.end :], self.file)


def read_dockerfile(path: Path) -> Dockerfile:
    """Read and parse a Dockerfile in UTF-8; raises :class:`DockerfileError` if that cannot be done."""
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        message = f"the Dockerfile {path} does not exist; `dockerfile` is a path relative to the devspace.yaml"
        raise DockerfileError(message) from None
    except UnicodeDecodeError:
        raise DockerfileError(f"the Dockerfile {path} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        message = f"the Dockerfile {path} cannot be read ({error.strerror}); it has to be a readable file"
        raise DockerfileError(message) from None
    return Dockerfile.parse(text, str(path))


def _words_of_from(instruction: Instruction) -> list[re.Match[str]]:
    """The words of a ``FROM`` after its flags: the image, and maybe ``AS`` and a name. Quotes join no words here."""
    _keyword, *words = _FROM_WORD.finditer(instruction.text)
    return list(dropwhile(lambda word: word[0].startswith("--"), words))


def _stage_name(words: Sequence[re.Match[str]]) -> str:
    match [word[0] for word in words]:
        case [_, separator, name] if separator.upper() == "AS":
            return name.lower()
        case _:
            return ""


def _image_words(instruction: Instruction) -> Iterator[re.Match[str]]:
    """Each word of an instruction that may name an image, which is the group ``image`` of the match."""
    pattern = _IMAGE_IN_WORD.get(instruction.keyword)
    if pattern is None:
        return
    words = _words_of_from(instruction)[:1] if instruction.keyword == "FROM" else instruction.flags()
    for word in words:
        match = pattern.fullmatch(instruction.text, *word.span())
        if match:
            yield match


def _exec_form(arguments: Sequence[str]) -> str:
    # In ASCII no builder can take a character for a line ending or an escape.
    return json.dumps(list(arguments))


def _parse_exec_form(arguments: str) -> list[str] | None:
    """The strings of the exec form, ``None`` for the shell form."""
    try:
        value = json.loads(arguments)
    except ValueError:
        return None
    return value if isinstance(value, list) and all(isinstance(each, str) for each in value) else None


def _position(text: str, file: str, offset: int) -> Position:
    line_start = text.rfind("\n", 0, offset) + 1
    return Position(file, text.count("\n", 0, offset) + 1, offset - line_start + 1)
