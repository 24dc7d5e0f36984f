"""Variables: what stands for ``${NAME}``, and where its value comes from.

The rules are those of the reference, section "Variables", and for later versions those of DevSpace's documentation
(https://www.devspace.sh/docs/configuration/variables).
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from imagetasks.config.answers import Answers
from imagetasks.config.mistakes import nearest
from imagetasks.config.patterns import matches
from imagetasks.config.questions import NO_QUESTIONS, Asker
from imagetasks.errors import ConfigError

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
USE = re.compile(r"\$?\$(!?)\{(" + VARIABLE_NAME.pattern + r")\}")
PLACEHOLDER = "${"
"""What a text holds whose variables are not all known."""
MASK = "********"
MAX_CHAIN = 50
MAX_SIZE = 10_000_000
PREDEFINED = "predefined"
"""The origin of values that nobody has set."""
RUNTIME = "runtime."
"""What the names of variables begin with that only a deployment knows, such as ``runtime.images.api.tag``."""

_SYSTEMS = {"win32": "windows"}


class SystemCommand(NamedTuple):
    """One entry of a variable's ``commands``: a command for the operating systems in ``os``, or for all."""

    command: str
    args: tuple[str, ...] | None = None
    os: str = ""

    def fits(self) -> bool:
        """Whether this operating system is one of those, by the names that Go has for them."""
        systems = [name.strip() for name in self.os.split(",") if name.strip()]
        return not systems or _SYSTEMS.get(sys.platform, sys.platform) in systems


class VariableDefinition(NamedTuple):
    """One entry of ``vars``."""

    name: str
    source: str = "all"
    default: str | None = None
    question: str = ""
    options: tuple[str, ...] = ()
    password: bool = False
    validation_pattern: str = ""
    validation_message: str = ""
    value: str | None = None
    command: str = ""
    args: tuple[str, ...] | None = None
    commands: tuple[SystemCommand, ...] = ()
    always_resolve: bool = False
    no_cache: bool = False

    def fault(self, value: str) -> str | None:
        """Why a value is not allowed; None if it is."""
        try:
            if not self.validation_pattern or matches(self.validation_pattern, value):
                return None
        except ConfigError as error:
            return error.message
        return self.validation_message or f"it must match `{self.validation_pattern}`"

    def allows(self, value: str) -> bool:
        """Whether the value is one that the definition allows."""
        return (not self.options or value in self.options) and self.fault(value) is None

    def check(self, value: str) -> None:
        """Raise ConfigError if a value from outside the file is not one that the definition allows."""
        shown = "the given value" if self.password else f"`{value}`"
        if self.options and value not in self.options:
            options = "one of its options" if self.password else " or ".join(self.options)
            raise ConfigError(f"{shown} is no option of variable `{self.name}`; take {options}")
        if reason := self.fault(value):
            raise ConfigError(f"{shown} is not allowed for variable `{self.name}`: {reason}")

    def system_command(self) -> SystemCommand | None:
        """The command that gives the value on this operating system."""
        commands = (*self.commands, *([SystemCommand(self.command, self.args)] if self.command else []))
        return next((command for command in commands if command.fits()), None)


class Value(NamedTuple):
    """What was found for a variable.

    ``kept`` is the text in which variables that differ from load to load are left as they are written; ``pending``
    says that the value is not known, and ``text`` is the variable's placeholder.
    """

    text: str
    origin: str
    secret: bool = False
    kept: str | None = None
    pending: bool = False

    @property
    def shown(self) -> str:
        """The text as a person may see it."""
        return MASK if self.secret else self.text


_NONE: Mapping[str, Value] = {}


class Variables:
    """The values of all variables, each found when it is first used.

    ``given`` are those of the command line; before them go those that a depending project has ``handed`` down.
    ``predefined`` finds a value on demand and may raise ConfigError;
    those named in ``volatile`` differ from load to load. Commands run in ``folder``. ``answers`` get those of the
    user. Without an ``asker``, nobody is asked and no command is run: a variable that has no value then is pending,
    as is one that nothing defines if the ``definitions`` are not known (``None``).
    """

    def __init__(
        self,
        definitions: Sequence[VariableDefinition] | None,
        *,
        given: Mapping[str, str],
        environ: Mapping[str, str],
        predefined: Mapping[str, Callable[[], str]],
        volatile: frozenset[str] = frozenset(),
        folder: Path | None = None,
        answers: Answers | None = None,
        asker: Asker | None = NO_QUESTIONS,
        handed: Mapping[str, Value] = _NONE,
    ) -> None:
        self.definitions = {definition.name: definition for definition in definitions or ()}
        self._are_all_known = definitions is not None
        self.environ = environ
        self.folder = folder or Path.cwd()
        self._given = given
        self._handed = handed
        self._predefined = predefined
        self._volatile = volatile
        self._answers = answers
        self._asker = asker
        self._found: dict[str, Value | ConfigError] = {}
        self._finding: list[str] = []
        self._size = 0

    @property
    def lists_only(self) -> bool:
        """Whether nobody may be asked and nothing may be run."""
        return self._asker is None

    @property
    def found(self) -> dict[str, Value]:
        """The values found so far, by name."""
        return {name: value for name, value in self._found.items() if isinstance(value, Value)}

    @property
    def without_value(self) -> dict[str, str]:
        """Why those that are used and have no value have none, by name."""
        return {name: error.message for name, error in self._found.items() if isinstance(error, ConfigError)}

    def find(self, name: str) -> Value:
        """The variable's value; raises ConfigError, without a position, if it has none or one that is not allowed."""
        if name in self._finding:
            cycle = " -> ".join([*self._finding[self._finding.index(name) :], name])
            raise ConfigError(f"variable `{name}` is defined by itself: {cycle}")
        if len(self._finding) > MAX_CHAIN:
            raise ConfigError(f"variable `{self._finding[0]}` is defined by more than {MAX_CHAIN} others in turn")
        if name not in self._found:
            self._finding.append(name)
            try:
                self._found[name] = self._find(name)
            except ConfigError as error:
                self._found[name] = error
            finally:
                self._finding.pop()
        found = self._found[name]
        if isinstance(found, ConfigError):
            raise found
        return found

    def is_volatile(self, name: str) -> bool:
        """Whether the value differs from load to load, and nobody has set it."""
        return name in self._volatile and not any(
            name in names for names in (self.definitions, self._given, self._handed, self.environ)
        )

    def expand(self, text: str, *, keep_volatile: bool = False) -> Value:
        """The text with its variables replaced; with ``keep_volatile``, those that differ from load to load stay.

        Raises ConfigError, as :meth:`find` does. Variables of a deployment stay, see :data:`RUNTIME`.
        """
        used: list[Value] = []

        def value(use: re.Match[str]) -> str:
            name = use[2]
            if use[0].startswith("$$"):
                return use[0][1:]
            if name.startswith(RUNTIME) or (keep_volatile and self.is_volatile(name)):
                return f"${{{name}}}"
            found = self.find(name)
            used.append(found)
            filled = found.kept if keep_volatile and found.kept is not None else found.text
            self._size += len(filled)
            if self._size > MAX_SIZE:
                raise ConfigError(f"the variables up to here stand for more than {MAX_SIZE} characters")
            return filled

        expanded = USE.sub(value, text)
        return Value(
            expanded, "", secret=any(each.secret for each in used), pending=any(each.pending for each in used)
        )

    def faults(self, text: str) -> list[str]:
        """Why variables in a text have no value, each once, where :meth:`expand` tells of the first alone."""
        found: dict[str, None] = {}
        for use in USE.finditer(text):
            if not use[0].startswith("$$") and not use[2].startswith(RUNTIME):
                try:
                    self.find(use[2])
                except ConfigError as error:
                    found[error.message] = None
        return list(found)

    def mask(self, text: str) -> str:
        """The text with passwords made unreadable, for messages that others than we have written."""
        for value in self.found.values():
            if value.secret and value.text:
                text = text.replace(value.text, MASK)
        return text

    def _find(self, name: str) -> Value:
        definition = self.definitions.get(name)
        if name in self._handed:
            return _checked(self._handed[name], definition)
        if definition is not None:
            return self._defined(definition)
        if name in self._given:
            return Value(self._given[name], "--var")
        if name in self.environ:
            return Value(self.environ[name], "environment")
        if name in self._predefined:
            return self._from_predefined(name)
        if not self._are_all_known:
            return _pending(name)
        guess = nearest(name, [*self.definitions, *self._predefined, *self._given])
        setting = f"pass --var {name}=VALUE or set the environment variable {name}"
        hint = f"did you mean `{guess}`?" if guess else setting
        raise ConfigError(f"variable `{name}` is not defined; {hint}")

    def _from_predefined(self, name: str) -> Value:
        try:
            return Value(self._predefined[name](), PREDEFINED)
        except ConfigError:
            if self.lists_only:
                return _pending(name)
            raise

    def _defined(self, definition: VariableDefinition) -> Value:
        """The first value of: command line, ``value``, ``command``, environment, answers, the user, ``default``."""
        for source in (self._from_outside, self._from_file, self._from_command, self._from_answers):
            found = source(definition)
            if found is not None:
                return found
        default = self._text(definition, definition.default, "default")
        found = self._ask(definition, default) or default
        if found is not None:
            return found
        if self.lists_only:
            return _pending(definition.name, secret=definition.password)
        name = definition.name
        environment = f" or set the environment variable {name}" if definition.source in ("all", "env") else ""
        raise ConfigError(f"variable `{name}` has no value; pass --var {name}=VALUE{environment}")

    def _from_outside(self, definition: VariableDefinition) -> Value | None:
        name = definition.name
        reads_environment = (
            definition.source in ("all", "env") and definition.value is None and not definition.system_command()
        )
        for origin, values in (("--var", self._given), ("environment", self.environ if reads_environment else {})):
            if name in values:
                definition.check(values[name])
                return Value(values[name], origin, secret=definition.password)
        return None

    def _from_file(self, definition: VariableDefinition) -> Value | None:
        return self._text(definition, definition.value, "value")

    def _text(self, definition: VariableDefinition, text: str | None, origin: str) -> Value | None:
        """A text of the definition, which may hold other variables."""
        if text is None:
            return None
        value, kept = self.expand(text), self.expand(text, keep_volatile=True)
        return Value(
            value.text, origin, secret=definition.password or value.secret, kept=kept.text, pending=value.pending
        )

    def _from_command(self, definition: VariableDefinition) -> Value | None:
        command = definition.system_command()
        if command is None and definition.source == "command":
            raise ConfigError(f"variable `{definition.name}` has no command for this operating system")
        if command is None:
            return None
        if self.lists_only:
            return _pending(definition.name, secret=definition.password)
        from imagetasks.config.shell import run, shell_command

        words = [self.expand(word) for word in (command.command, *(command.args or ()))]
        call = [word.text for word in words] if command.args is not None else shell_command(words[0].text)
        result = run(call, self.folder, self.environ)
        if result.code:
            reason = self.mask(result.reason)
            raise ConfigError(f"the command of variable `{definition.name}` failed: {reason}")
        text = result.output.strip()
        if not text and definition.default is not None:
            return self._text(definition, definition.default, "default")
        return Value(text, "command", secret=definition.password or any(word.secret for word in words))

    def _from_answers(self, definition: VariableDefinition) -> Value | None:
        if not _is_asked(definition) or definition.no_cache or self._answers is None:
            return None
        answer = self._answers.find(definition.name)
        if answer is None or not definition.allows(answer):
            return None
        return Value(answer, "answer", secret=definition.password)

    def _ask(self, definition: VariableDefinition, default: Value | None) -> Value | None:
        if not _is_asked(definition) or self._asker is None:
            return None
        answer = self._asker.ask(definition, default.text if default else None)
        if answer is None:
            return None
        if self._answers and not definition.no_cache:
            self._answers.add(definition.name, answer)
        return Value(answer, "answer", secret=definition.password)


def _is_asked(definition: VariableDefinition) -> bool:
    return definition.source in ("all", "input")


def _checked(value: Value, definition: VariableDefinition | None) -> Value:
    if definition is None:
        return value
    if not value.pending:
        definition.check(value.text)
    return value._replace(secret=value.secret or definition.password)


def _pending(name: str, *, secret: bool = False) -> Value:
    return Value(f"${{{name}}}", "", secret=secret, pending=True)
