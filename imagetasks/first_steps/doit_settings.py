"""Choosing our loader in doit's configuration: ``[tool.doit]`` of ``pyproject.toml``, or ``doit.cfg``.

doit reads both, ``doit.cfg`` last (https://pydoit.org/configuration.html). What is in a file stays as it is, to the
letter: the loader's line is put in, and the result is read again to see that nothing else has changed.
"""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from configparser import Error as IniError
from typing import Any, NamedTuple

PYPROJECT = "pyproject.toml"
DOIT_CFG = "doit.cfg"
LOADER = "imagetasks"

_TOML_LINE = f'loader = "{LOADER}"'
_INI_LINE = f"loader = {LOADER}"
_TOML_SECTION = re.compile(r"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*doit[ \t]*\][^\n]*$", re.MULTILINE)
_INI_SECTION = re.compile(r"^\[GLOBAL\][^\n]*$", re.MULTILINE)


class LoaderChoice(NamedTuple):
    """What choosing our loader comes to.

    :ivar file: the name of the file that chooses, or should
    :ivar text: the file's new text; None if it stays as it is
    :ivar obstacle: why the file cannot be changed, empty if it can or need not be
    """

    file: str
    text: str | None = None
    obstacle: str = ""


def choose_loader(pyproject: str | None, doit_cfg: str | None) -> LoaderChoice:
    """Choose the loader where the project keeps such settings; in neither file, in a new ``doit.cfg``.

    A loader that has been chosen stays.

    :param pyproject: the text of the folder's ``pyproject.toml``, None if there is none
    :param doit_cfg: that of its ``doit.cfg``
    """
    try:
        if doit_cfg is not None and (chosen := _ini(doit_cfg).get("GLOBAL", {}).get("loader")):
            return _chosen(DOIT_CFG, chosen, _INI_LINE)
        if pyproject is not None:
            if chosen := _doit_table(pyproject).get("loader"):
                return _chosen(PYPROJECT, chosen, _TOML_LINE)
            return _in_pyproject(pyproject)
    except (tomllib.TOMLDecodeError, IniError) as error:
        file = DOIT_CFG if isinstance(error, IniError) else PYPROJECT
        return LoaderChoice(file, obstacle=f"{file} cannot be read: {' '.join(str(error).split())}")
    return _in_doit_cfg(doit_cfg or "")


def _chosen(file: str, loader: object, line: str) -> LoaderChoice:
    if loader == LOADER:
        return LoaderChoice(file)
    return LoaderChoice(
        file, obstacle=f"{file} chooses the loader {loader}; for `doit` to know the images, write {line}"
    )


def _in_pyproject(text: str) -> LoaderChoice:
    before = tomllib.loads(text)
    after = _with_line(text, _TOML_SECTION, "[tool.doit]", _TOML_LINE)
    expected = {**before, "tool": {**before.get("tool", {}), "doit": {**_doit_table(text), "loader": LOADER}}}
    try:
        fits = tomllib.loads(after) == expected
    except tomllib.TOMLDecodeError:  # such as a table that is written as a value
        fits = False
    if fits:
        return LoaderChoice(PYPROJECT, after)
    return LoaderChoice(PYPROJECT, obstacle=f"write {_TOML_LINE} into the table tool.doit of {PYPROJECT}")


def _in_doit_cfg(text: str) -> LoaderChoice:
    return LoaderChoice(DOIT_CFG, _with_line(text, _INI_SECTION, "[GLOBAL]", _INI_LINE))


def _with_line(text: str, section: re.Pattern[str], header: str, line: str) -> str:
    """The text with a line at the beginning of a section, which comes to its end if it is not there."""
    if found := section.search(text):
        return f"{text[: found.end()]}\n{line}{text[found.end() :]}"
    blank = "\n" if text.strip() else ""
    return f"{ended(text)}{blank}{header}\n{line}\n"


def ended(text: str) -> str:
    """The text with a line ending at its end, unless it is empty."""
    return text if not text or text.endswith("\n") else f"{text}\n"


def _doit_table(pyproject: str) -> dict[str, Any]:
    table = tomllib.loads(pyproject).get("tool", {}).get("doit", {})
    return table if isinstance(table, dict) else {}


def _ini(text: str) -> dict[str, dict[str, str]]:
    """The sections, read as doit reads them."""
    parser = ConfigParser(allow_no_value=True, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return {name: dict(section) for name, section in parser.items()}
