from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagetasks.context.dockerfile import Dockerfile, read_dockerfile
from imagetasks.errors import DockerfileError, Position


def parse(text: str) -> Dockerfile:
    return Dockerfile.parse(text, "Dockerfile")


def override(
    text: str, entrypoint: Sequence[str] | None = None, cmd: Sequence[str] | None = None, target: str = ""
) -> str:
    return parse(text).override(entrypoint, cmd, target).text


def images(text: str, target: str = "", **build_args: str) -> list[str]:
    return [use.name for use in parse(text).image_references(build_args, target)]


def replaced(text: str, replacements: dict[str, str], target: str = "", **build_args: str) -> str:
    return parse(text).with_images(replacements, build_args, target).text


FRAGMENTS = (
    *("FROM a", "from a AS b", "FROM", "ENTRYPOINT", 'CMD ["x"]', "RUN <<EOF", "EOF", "COPY --from=a . .", "ARG X=1"),
    *(
        "# escape=`",
        "# syntax=x",
        "\\",
        "`",
        " ",
        "\t",
        "\r",
        "\n",
        "\n",
        "\r\n",
        "'",
        '"',
        "$X",
        "${X:-a}",
        "\ufeff",
    ),
    *("RUN --mount=from=a", "é", "\x85", "\u2028", "# c", "ß", "[", "--from=", "AS", "<<"),
)
dockerfiles = st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS)).map("".join))
exec_forms = st.lists(
    st.text()
    | st.sampled_from(['"', "\\", "a\\", "`", "$HOME", "<<EOF", "# c", "\n", "\r\n", "\u2028", "'", "]", ""])
)


class TestParsing:
    @given(dockerfiles)
    def test_any_text_is_parsed_unchanged_or_refused_with_a_dockerfile_error(self, text: str) -> None:
        try:
            dockerfile = parse(text)
        except DockerfileError as error:
            assert error.position is not None
            return
        assert dockerfile.text == text
        assert dockerfile.override(None, None, "").text == text
        assert dockerfile.with_images({}, {}, "").text == text
        for use in dockerfile.image_references({}, ""):
            assert text[use.start : use.end]

    @pytest.mark.parametrize("text", ["", "\n", "# FROM a\n", "ARG X\n", "FRO\nM a", "RUN <<EOF\nFROM a\nEOF\n"])
    def test_a_file_without_from_is_refused(self, text: str) -> None:
        with pytest.raises(DockerfileError, match="at least one FROM") as caught:
            parse(text)
        assert caught.value.position == Position("Dockerfile", 1, 1)

    @pytest.mark.parametrize("line", ["FROM", "from ", "FROM --platform=linux/amd64", "FROM \\\n\n"])
    def test_from_without_a_name_is_refused_where_it_stands(self, line: str) -> None:
        with pytest.raises(DockerfileError, match="names no image") as caught:
            parse(f"FROM a\r\n\r\n  {line}")
        assert caught.value.position == Position("Dockerfile", 3, 3)


class TestReading:
    def test_line_endings_and_byte_order_mark_are_kept(self, tmp_path: Path) -> None:
        content = b"\xef\xbb\xbfFROM a\r\nRUN \xc3\xa9\n"
        (tmp_path / "Dockerfile").write_bytes(content)
        assert read_dockerfile(tmp_path / "Dockerfile").text.encode() == content

    def test_a_missing_file_is_named(self) -> None:
        with pytest.raises(DockerfileError, match=r"docker/web does not exist"):
            read_dockerfile(Path("docker/web"))

    def test_a_folder_is_no_dockerfile(self, tmp_path: Path) -> None:
        with pytest.raises(DockerfileError, match="cannot be read"):
            read_dockerfile(tmp_path)

    def test_a_file_in_another_encoding_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").write_bytes("FROM a\n# é".encode("latin-1"))
        with pytest.raises(DockerfileError, match="not UTF-8"):
            read_dockerfile(tmp_path / "Dockerfile")

    def test_a_mistake_in_the_file_has_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "Dockerfile").write_text("\nFROM\n")
        with pytest.raises(DockerfileError, match="names no image") as caught:
            read_dockerfile(tmp_path / "Dockerfile")
        assert caught.value.position == Position(str(tmp_path / "Dockerfile"), 2, 1)


class TestOverride:
    def test_unset_leaves_the_file_as_it_is(self) -> None:
        text = 'FROM a\nENTRYPOINT ["x"]\nCMD y'
        assert override(text) == text

    def test_both_are_appended_in_exec_form(self) -> None:
        assert override("FROM a\nCMD x\n", ["run", "it"], ["now"]) == (
            'FROM a\nCMD x\nENTRYPOINT ["run", "it"]\nCMD ["now"]\n'
        )

    def test_an_empty_list_clears(self) -> None:
        assert override("FROM a\n", [], []) == "FROM a\nENTRYPOINT []\nCMD []\n"

    def test_only_the_cmd_can_be_overridden(self) -> None:
        assert override("FROM a\nENTRYPOINT x\n", None, ["y"]) == 'FROM a\nENTRYPOINT x\nCMD ["y"]\n'

    @given(exec_forms)
    def test_any_value_is_one_line_that_reads_back_the_same(self, value: list[str]) -> None:
        overridden = parse("# escape=`\nFROM a\n").override(value, value, "")
        entrypoint, cmd = overridden.stages[0].instructions[1:]
        assert (entrypoint.keyword, cmd.keyword) == ("ENTRYPOINT", "CMD")
        assert json.loads(entrypoint.arguments) == json.loads(cmd.arguments) == value

    @given(dockerfiles, exec_forms, exec_forms)
    def test_an_override_is_the_last_of_the_stage_in_any_file(
        self, text: str, entrypoint: list[str], cmd: list[str]
    ) -> None:
        try:
            before = parse(text)
        except DockerfileError:
            return
        for index, stage in enumerate(before.stages):
            after = before.override(entrypoint, cmd, str(index))
            kept = after.stages[index].instructions[:-2]
            assert [each.text for each in kept] == [each.text for each in stage.instructions]
            appended = after.stages[index].instructions[-2:]
            assert [each.text for each in appended] == [
                f"ENTRYPOINT {json.dumps(entrypoint)}",
                f"CMD {json.dumps(cmd)}",
            ]
            assert len(after.stages) == len(before.stages)

    def test_the_named_target_stage_gets_it(self) -> None:
        text = "FROM a AS Base\nRUN x\n\n# next\nFROM b\nFROM c\n"
        assert override(text, ["e"], target="bASE") == (
            'FROM a AS Base\nRUN x\nENTRYPOINT ["e"]\n\n# next\nFROM b\nFROM c\n'
        )

    def test_a_stage_can_be_named_by_its_number(self) -> None:
        assert override("FROM a\nFROM b\nFROM c\n", ["e"], target="1") == 'FROM a\nFROM b\nENTRYPOINT ["e"]\nFROM c\n'

    def test_a_stage_called_like_a_number_comes_before_the_number(self) -> None:
        assert override("FROM a\nFROM b AS 0\n", ["e"], target="0") == 'FROM a\nFROM b AS 0\nENTRYPOINT ["e"]\n'

    @pytest.mark.parametrize("target", ["x", "3", "-1", "01", "9" * 5000])
    def test_an_unknown_target_is_refused_with_the_known_ones(self, target: str) -> None:
        with pytest.raises(DockerfileError, match="its stages are base, 1, run"):
            parse("FROM a AS base\nFROM b\nFROM c AS run\n").override(None, None, target)

    def test_a_file_with_windows_line_endings_keeps_to_them(self) -> None:
        assert override("FROM a\r\nRUN b\r\n", ["e"], ["c"]) == (
            'FROM a\r\nRUN b\r\nENTRYPOINT ["e"]\r\nCMD ["c"]\r\n'
        )

    def test_a_missing_last_line_ending_is_added(self) -> None:
        assert override("FROM a", ["e"]) == 'FROM a\nENTRYPOINT ["e"]\n'

    @pytest.mark.parametrize("tail", [" \\", " \\\n", " \\ \n\n", " \\\n  # c\n", "\\\n\\\n", " \\\n\\"])
    def test_a_line_that_promises_another_does_not_swallow_it(self, tail: str) -> None:
        assert override(f"FROM a\nRUN b{tail}", ["e"]) == 'FROM a\nRUN b\nENTRYPOINT ["e"]\n'

    def test_an_escaped_escape_character_promises_no_line(self) -> None:
        assert override("FROM a\nRUN b \\\\\n", ["e"]) == 'FROM a\nRUN b \\\\\nENTRYPOINT ["e"]\n'

    def test_the_escape_directive_changes_what_continues_a_line(self) -> None:
        text = "# syntax=docker/dockerfile:1\n# Escape = `\nFROM a\nRUN dir c:\\\nRUN b `\n"
        assert override(text, ["e"]) == f'{text[:-3]}\nENTRYPOINT ["e"]\n'

    @pytest.mark.parametrize("first", ["\n", "# a comment\n", "# unknown=directive\n"])
    def test_the_escape_directive_counts_only_at_the_top(self, first: str) -> None:
        text = f"{first}# escape=`\nFROM a\nRUN b `\n"
        assert override(text, ["e"]) == f'{text}ENTRYPOINT ["e"]\n'

    @pytest.mark.parametrize(
        "heredoc",
        [
            "RUN <<EOF\nFROM x\nENTRYPOINT y\nEOF\n",
            "RUN <<-EOF\n\tFROM x\n\tEOF\n",
            'run <<"EOF" cat\nFROM x \\\nEOF\n',
            "RUN 3<<'E F'\nFROM x\nE F\n",
            "COPY <<a <<b /x/\nFROM a\na\nFROM b\nb\n",
            "ONBUILD RUN <<EOF\nFROM x\nEOF\n",
            "RUN --mount=type=bind,from=x \\\n # c\n <<EOF\nFROM y\nEOF\n",
        ],
    )
    def test_the_body_of_a_heredoc_is_no_instruction(self, heredoc: str) -> None:
        text = f"FROM a\n{heredoc}"
        assert override(text, ["e"]) == f'{text}ENTRYPOINT ["e"]\n'
        assert len(parse(text).stages) == 1

    @pytest.mark.parametrize(
        "line",
        ["RUN cat <<<FROM", "RUN echo '<<FROM'", "RUN echo $((1 << 2))", "LABEL a=<<FROM", "RUN it's <<x", "RUN <<x"],
    )
    def test_what_only_looks_like_a_heredoc_hides_nothing(self, line: str) -> None:
        assert len(parse(f"FROM a\n{line}\nFROM b\n").stages) == 2

    def test_a_heredoc_ends_at_a_line_with_windows_ending(self) -> None:
        assert len(parse("FROM a\r\nRUN <<EOF\r\nFROM x\r\nEOF\r\nFROM b\r\n").stages) == 2


class TestCmdOfAnEarlierStage:
    def test_it_is_repeated_after_a_new_entrypoint(self) -> None:
        text = 'FROM a AS base\ncmd ["x", \\\n# c\n "y"]\nFROM base\n'
        assert override(text, ["e"]) == f'{text}ENTRYPOINT ["e"]\ncmd ["x", \\\n# c\n "y"]\n'

    def test_it_is_found_through_stages_and_variables(self) -> None:
        text = "ARG BASE=one\nFROM a AS one\nCMD x\nFROM ${BASE} AS two\nFROM TWO\n"
        assert override(text, []) == f"{text}ENTRYPOINT []\nCMD x\n"

    def test_build_arguments_choose_the_stage(self) -> None:
        text = "ARG BASE=one\nFROM a AS one\nCMD x\nFROM a AS two\nCMD y\nFROM ${BASE}\n"
        overridden = parse(text).override(["e"], None, "", {"BASE": "two"})
        assert overridden.text == f'{text}ENTRYPOINT ["e"]\nCMD y\n'

    @pytest.mark.parametrize(
        "text",
        [
            "FROM a AS base\nCMD x\nFROM base\nCMD y\n",
            "FROM a AS base\nCMD x\nFROM base\nENTRYPOINT y\n",
            "FROM a AS base\nCMD x\nFROM base AS next\nENTRYPOINT y\nFROM next\n",
            "FROM a AS base\nCMD x\nFROM a\n",
            "FROM a AS base\nONBUILD CMD x\nFROM base\n",
            "FROM base AS base\nCMD x\n",
        ],
    )
    def test_it_is_not_repeated_where_the_stage_does_not_have_it(self, text: str) -> None:
        assert override(text, ["e"]) == f'{text}ENTRYPOINT ["e"]\n'

    def test_it_is_not_repeated_where_the_cmd_is_overridden(self) -> None:
        text = "FROM a AS base\nCMD x\nFROM base\n"
        assert override(text, ["e"], []) == f'{text}ENTRYPOINT ["e"]\nCMD []\n'

    @pytest.mark.parametrize(
        ("before", "shell"), [("", '"/bin/sh", "-c"'), ('SHELL ["/bin/bash", "-ec"]\n', '"/bin/bash", "-ec"')]
    )
    def test_its_shell_form_keeps_the_shell_it_was_written_for(self, before: str, shell: str) -> None:
        text = f'FROM a AS base\n{before}CMD x \\\n  "y"\nFROM base\nSHELL ["/z"]\n'
        assert override(text, ["e"]) == f'{text}ENTRYPOINT ["e"]\nCMD [{shell}, "x   \\"y\\""]\n'


class TestImageReferences:
    def test_they_have_a_place(self) -> None:
        (use,) = parse("ARG A=1\n FROM --platform=x \\\n  name:$A AS b\n").image_references({}, "")
        assert use.name == "name:1"
        assert use.position == Position("Dockerfile", 3, 3)

    def test_stages_and_scratch_are_none(self) -> None:
        text = (
            "FROM scratch AS One\nFROM one AS b\nFROM b\nCOPY --from=B x x\nCOPY --from=0 x x\nCOPY --from=ONE x x\n"
        )
        assert images(text) == []

    def test_a_stage_may_have_the_name_of_the_image_it_is_built_from(self) -> None:
        text = "FROM golang AS golang\nCOPY --from=golang a a\nFROM golang\nCOPY --from=golang a a\n"
        assert images(text) == ["golang", "golang"]

    def test_a_stage_hides_an_image_only_after_its_declaration(self) -> None:
        assert images("FROM base\nFROM x AS base\nFROM base\n") == ["base", "x"]

    @pytest.mark.parametrize(
        "line",
        [
            "COPY --from=img /a /b",
            'copy --chown=1 --from="img" /a /b',
            "COPY --fr\\\nom=img /a /b",
            "RUN --mount=type=bind,from=img,target=/x make",
            "RUN --mount=from=img make",
            'RUN --network=none --mount="type=bind,from=img" make',
            "RUN --mount=type=cache,target=/c \\\n # c\n\n --mount=type=bind,target=/x,from=img make it's",
        ],
    )
    def test_copy_and_mount_name_images(self, line: str) -> None:
        assert images(f"FROM scratch\n{line}\n") == ["img"]

    @pytest.mark.parametrize(
        "line",
        [
            "RUN make --from=img",
            "RUN --mount=type=secret,id=from=img make",
            "COPY --from=$IMG a b",
            "ADD --from=img a b",
            "ONBUILD COPY --from=img a b",
            "# COPY --from=img a b",
            "COPY a --from=img",
        ],
    )
    def test_what_names_no_image_is_left_out(self, line: str) -> None:
        assert images(f"ARG IMG=img\nFROM scratch\n{line}\n") == []

    @pytest.mark.parametrize(
        "word",
        [
            *(
                "img",
                "$X",
                "${X}",
                "i${M}",
                '"$X"',
                "'img'",
                "${NONE:-img}",
                "${X:+img}",
                "${NONE:-${X}}",
                "${E:-$X}",
            ),
            *(
                "${E:-img}",
                "img$NONE",
                "im\\g",
                "${NONE-img}",
                "img${E-x}",
                "${X:?message}",
                "img${NONE:+x}",
                "$LATE",
            ),
        ],
    )
    def test_variables_are_filled_in(self, word: str) -> None:
        assert images(f"ARG X=img M='m'\"g\" E=\nARG LATE=$X\nFROM {word}\n") == ["img"]

    @pytest.mark.parametrize(
        "word",
        [
            "$NONE",
            "x-$TARGETARCH",
            "x${BUILDARCH:-a}",
            "${X#i}",
            "${NONE:?message}",
            "$$",
            '"a',
            "$BAD",
            "${X",
            "${E}",
        ],
    )
    def test_names_that_cannot_be_known_are_left_out(self, word: str) -> None:
        assert images(f"ARG X=img E BAD=$$\nFROM {word}\n") == []

    def test_build_arguments_replace_defaults(self) -> None:
        text = "ARG X=a\nARG Y\nFROM $X$Y\n"
        assert images(text) == ["a"]
        assert images(text, X="b", Y="c") == ["bc"]

    def test_build_arguments_need_a_declaration_before_the_first_from(self) -> None:
        assert images("FROM a\nARG X=b\nFROM c$X\n", X="d") == ["a", "c"]

    def test_the_escape_directive_holds_in_variables(self) -> None:
        assert images('# escape=`\nARG X="a`$X"\nFROM b`\nc$X\n') == ["bca$X"]

    def test_only_stages_up_to_the_target_count(self) -> None:
        text = "FROM a AS one\nFROM b AS two\nFROM c\n"
        assert images(text, target="two") == ["a", "b"]

    def test_an_unknown_target_is_refused(self) -> None:
        with pytest.raises(DockerfileError, match="no stage 'x'"):
            images("FROM a\n", target="x")


class TestImageReplacement:
    def test_only_the_word_changes(self) -> None:
        text = "# reg/b\r\nARG B=reg/b\r\n\tfrom --platform=$P \\\r\n # c\r\n {} as X\r\ncopy --from={} a reg/b\r\n"
        before = text.format("${B}", "reg/b")
        assert replaced(before, {"reg/b": "reg/b:t1"}) == text.format("reg/b:t1", "reg/b:t1")

    def test_every_use_is_replaced_by_its_own_image(self) -> None:
        text = "FROM a\nFROM b AS a2\nRUN --mount=from=a,target=/a x\nFROM a2\nFROM ab\n"
        assert replaced(text, {"a": "A:1", "b": "B:2"}) == (
            "FROM A:1\nFROM B:2 AS a2\nRUN --mount=from=A:1,target=/a x\nFROM a2\nFROM ab\n"
        )

    def test_a_name_broken_over_two_lines_becomes_one_word(self) -> None:
        assert replaced("FROM reg/\\\nbase AS x\n", {"reg/base": "new:1"}) == "FROM new:1 AS x\n"

    def test_stages_after_the_target_stay(self) -> None:
        assert replaced("FROM a AS x\nFROM a\n", {"a": "b:1"}, target="x") == "FROM b:1 AS x\nFROM a\n"

    def test_build_arguments_decide_what_is_replaced(self) -> None:
        text = "ARG B=a\nFROM $B\n"
        assert replaced(text, {"a": "x:1"}, B="b") == text
        assert replaced(text, {"b": "x:1"}, B="b") == "ARG B=a\nFROM x:1\n"

    @given(dockerfiles)
    def test_the_new_names_are_the_references_of_any_file(self, text: str) -> None:
        try:
            before = parse(text)
        except DockerfileError:
            return
        names = [use.name for use in before.image_references({}, "")]
        after = before.with_images(dict.fromkeys(names, "reg/new:tag"), {}, "")
        assert [use.name for use in after.image_references({}, "")] == ["reg/new:tag"] * len(names)


class TestAppend:
    def test_instructions_go_to_the_end_of_the_target_stage(self) -> None:
        text = "FROM a AS first\nRUN x\nFROM b"
        appended = parse(text).append(["USER root", "RUN y \\\n z"], "first").text
        assert appended == "FROM a AS first\nRUN x\nUSER root\nRUN y \\\n z\nFROM b"
        assert parse(text).append(["USER root"], "").text == f"{text}\nUSER root\n"

    def test_nothing_to_append_changes_nothing(self) -> None:
        assert parse("FROM a").append([], "").text == "FROM a"

    def test_an_unknown_target_is_refused(self) -> None:
        with pytest.raises(DockerfileError, match="has no stage 'x'"):
            parse("FROM a").append(["USER root"], "x")
