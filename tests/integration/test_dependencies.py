"""Projects that depend on other projects: one graph, and sources in git repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from imagetasks.cluster.client import Cluster
from imagetasks.config.model import GitSource
from imagetasks.errors import ConfigError, Position
from imagetasks.git_sources import Repository, cache_folder
from tests.projects import Project

CUSTOM = 'build: {custom: {command: sh, args: [-c, "echo build $0 >> $ORDER"], onChange: [devspace.yaml]}}'


def config(name: str, *sources: str, version: str = "v1beta6") -> str:
    """A project with an image and a deployment of its name; ``sources`` are entries of dependencies."""
    entries = "".join(f"- {source}\n" for source in sources)
    return (
        f"version: {version}\n"
        f"images: {{{name}: {{image: 'registry.example/{name}', {CUSTOM}}}}}\n"
        f"deployments: [{{name: {name}, kubectl: {{manifests: [kube]}}}}]\n"
        f"dependencies:\n{entries}"
    )


def path(folder: str, more: str = "") -> str:
    return f"{{source: {{path: {folder}}}{more}}}"


@pytest.fixture
def shop(project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    monkeypatch.setenv("ORDER", str(project.folder / "order"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    return project


def built(project: Project) -> list[str]:
    file = project.folder / "order"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return [line.removeprefix("build registry.example/").partition(":")[0] for line in lines]


def listed(project: Project) -> list[str]:
    result = project.doit("list", "--all", "-q")
    assert result.returncode == 0, result.stderr
    return [line.strip() for line in result.stdout.splitlines()]


def test_the_tasks_of_a_dependency_have_its_name_before_theirs(shop: Project) -> None:
    shop.write("devspace.yaml", config("root", path("one"), path("libs/two", ", name: second")))
    shop.write("one/devspace.yaml", config("api"))
    shop.write("libs/two/devspace.yaml", config("api"))

    names = listed(shop)

    for kind in ("hash", "build", "tag", "push", "deploy"):
        assert {f"{kind}:one.api", f"{kind}:second.api", f"{kind}:root"} <= set(names)
    assert shop.doit("build:one.api").returncode == 0
    assert built(shop) == ["api"]
    assert (shop.folder / ".devspace" / "logs" / "build-one.api.log").exists()


@pytest.mark.cluster
def test_dependencies_are_built_and_deployed_before_what_depends_on_them(shop: Project, cluster: Cluster) -> None:
    names = ("root", "one", "two")
    for name, file, *source in (
        ("root", "devspace.yaml", path("one")),
        ("one", "one/devspace.yaml", path("../two")),
        ("two", "two/devspace.yaml"),
    ):
        data = f"data: {{image: registry.example/{name}}}"
        manifest = f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, {data}}}\n"
        shop.write(file, config(name, *source))
        shop.write(file.replace("devspace.yaml", "kube/settings.yaml"), manifest)
    deploy = ("-n", "4", "deploy", "--namespace", cluster.target.namespace)

    result = shop.doit(*deploy)

    assert result.returncode == 0, result.stdout + result.stderr
    assert built(shop) == ["two", "one", "root"]
    deployed = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("   deployed ")]
    assert deployed == ["two.two", "one.one", "root"]
    assert set(names) <= {
        each["metadata"]["name"]
        for each in (cluster.read(f"/api/v1/namespaces/{cluster.target.namespace}/configmaps") or {})["items"]
    }
    assert shop.doit(*deploy).returncode == 0
    assert built(shop) == []


def test_a_dependency_that_does_not_build_stops_what_depends_on_it(shop: Project) -> None:
    shop.write("devspace.yaml", config("root", path("one")))
    shop.write("one/devspace.yaml", config("one").replace("echo build", "false; exit 1; echo"))

    assert shop.doit("build").returncode == 1
    assert built(shop) == []


def test_a_diamond_is_in_the_graph_once_under_the_name_nearest_to_the_project(shop: Project) -> None:
    shop.write("devspace.yaml", config("root", path("one"), path("two"), path("base", ", name: ground")))
    shop.write("one/devspace.yaml", config("one", path("../base")))
    shop.write("two/devspace.yaml", config("two", path("../base/.")))
    shop.write("base/devspace.yaml", config("base"))

    assert [name for name in listed(shop) if name.startswith("build:")] == [
        "build:ground.base",
        "build:one.one",
        "build:root",
        "build:two.two",
    ]
    assert shop.doit("build").returncode == 0
    first, *middle, last = built(shop)
    assert (first, sorted(middle), last) == ("base", ["one", "two"], "root")


@pytest.mark.parametrize("closing", ["..", "../one"])
def test_a_cycle_is_an_error_that_prints_it(shop: Project, closing: str) -> None:
    shop.write("devspace.yaml", config("root", path("one")))
    shop.write("one/devspace.yaml", config("one", path("../two")))
    shop.write("two/devspace.yaml", config("two", path(closing)))

    result = shop.doit("list")

    assert result.returncode == 3
    assert "dependencies depend on each other: " in result.stderr
    assert "two/devspace.yaml:5:3: " in result.stderr
    assert f"one ({shop.folder}/one) -> two ({shop.folder}/two) -> " in result.stderr


def test_two_projects_with_one_name_are_an_error(shop: Project) -> None:
    shop.write("devspace.yaml", config("root", path("one"), path("base")))
    shop.write("one/devspace.yaml", config("one", path("base")))
    shop.write("one/base/devspace.yaml", config("other"))
    shop.write("base/devspace.yaml", config("base"))

    result = shop.doit("list")

    assert result.returncode == 3
    assert "one/devspace.yaml:5:3: the name base is taken by the dependency at devspace.yaml:6:3" in result.stderr


def test_a_folder_without_a_configuration_is_one_sentence(shop: Project) -> None:
    shop.write("devspace.yaml", config("root", path("nowhere")))

    assert "dependency:nowhere" in listed(shop)
    result = shop.doit("hash")

    assert result.returncode == 3
    assert "devspace.yaml:5:3: the dependency nowhere has no configuration" in result.stderr


def test_profiles_variables_and_what_is_left_out(shop: Project) -> None:
    profiles = "profiles: [{name: big, replace: {images: {large: {image: registry.example/large}}}}]\n"
    shop.write(
        "devspace.yaml",
        config(
            "root",
            path("one", ", profile: big"),
            path("two", ", skipBuild: true, ignoreDependencies: true"),
            path("gone", ", disabled: true"),
            version="v1beta11",
        ),
    )
    shop.write("one/devspace.yaml", config("one") + profiles)
    shop.write("two/devspace.yaml", config("two", path("../three")))
    shop.write("three/devspace.yaml", config("three"))

    names = listed(shop)

    assert [name for name in names if name.startswith("build:")] == ["build:one.large", "build:root"]
    assert "deploy:two.two" in names


def test_command_line_variables_are_for_all_projects(shop: Project) -> None:
    shop.write("devspace.yaml", config("root", path("one")).replace("registry.example", "${HOST}"))
    shop.write("one/devspace.yaml", config("one").replace("registry.example", "${HOST}"))

    result = shop.doit("list", "--all", "--var", "HOST=other.example")

    assert "build other.example/one" in result.stdout
    assert "build other.example/root" in result.stdout


def test_variables_of_a_dependency_go_before_those_of_the_command_line(shop: Project) -> None:
    mine = path("one", ", vars: [{name: HOST, value: mine.example}]")
    shop.write("devspace.yaml", config("root", mine, version="v1beta11"))
    shop.write("one/devspace.yaml", config("one").replace("registry.example", "${HOST}"))

    assert "build mine.example/one" in shop.doit("list", "--all", "--var", "HOST=other.example").stdout


def builds(project: Project, *args: str) -> dict[str, str]:
    """What each build task builds, by the task's name."""
    result = project.doit("list", "--all", *args)
    assert result.returncode == 0, result.stderr
    docs = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    return {name: doc.split()[1] for name, doc in docs.items() if name.startswith("build:")}


def test_entries_that_differ_in_variables_alone_are_two_projects(shop: Project) -> None:
    east = path("one", ", name: east, vars: [{name: HOST, value: east.example}]")
    west = path("one", ", name: west, vars: [{name: HOST, value: west.example}]")
    shop.write("devspace.yaml", config("root", east, west, version="v1beta11"))
    shop.write("one/devspace.yaml", config("one").replace("registry.example", "${HOST}"))

    assert builds(shop) == {
        "build:east.one": "east.example/one",
        "build:west.one": "west.example/one",
        "build:root": "registry.example/root",
    }


def test_one_name_for_a_project_with_other_variables_is_an_error_with_both_places(shop: Project) -> None:
    other = path("../base", ", vars: [{name: HOST, value: other.example}]")
    shop.write("devspace.yaml", config("root", path("one"), path("base")))
    shop.write("one/devspace.yaml", config("one", other, version="v1beta11"))
    shop.write("base/devspace.yaml", config("base"))

    result = shop.doit("list")

    assert result.returncode == 3
    assert "one/devspace.yaml:5:3: the name base is taken by the dependency at devspace.yaml:6:3" in result.stderr


def test_tasks_of_two_projects_with_one_name_are_an_error_with_both_places(shop: Project) -> None:
    shop.write("devspace.yaml", config("lib.i", path("lib")))
    shop.write("lib/devspace.yaml", config("i"))

    result = shop.doit("list")

    assert result.returncode == 3
    assert "devspace.yaml:2:10: the task build:lib.i is also that of the dependency lib (" in result.stderr
    assert "lib/devspace.yaml:2:10); give the dependency another `name`" in result.stderr


def test_an_unknown_profile_of_a_dependency_is_told_where_it_is_named(shop: Project) -> None:
    shop.write("devspace.yaml", config("root", path("one", ", profile: big")))
    shop.write("one/devspace.yaml", config("one"))

    result = shop.doit("list")

    assert result.returncode == 3
    assert " devspace.yaml:5:3: there is no profile `big`" in f" {result.stderr}"


OVERWRITTEN = """\
vars:
- {name: HOST, value: parent.example}
- {name: UNUSED, value: parent.example}
- {name: GROUP, value: group}
"""


def test_overwriting_hands_the_variables_down_that_the_project_uses(shop: Project) -> None:
    entries = [path("one", ", overwriteVars: true, vars: [{name: GROUP, value: mine}]"), path("two")]
    root = config("root", *entries, version="v1beta11").replace("registry.example", "${HOST}/${GROUP}")
    shop.write("devspace.yaml", root + OVERWRITTEN)
    own = "vars: [{name: HOST, value: own.example}, {name: UNUSED, value: own}, {name: GROUP, value: own}]\n"
    for name in ("one", "two"):
        project = config(name, version="v1beta11").replace("registry.example", "${HOST}/${UNUSED}/${GROUP}")
        shop.write(f"{name}/devspace.yaml", project + own)

    assert builds(shop) == {
        "build:one.one": "parent.example/own/mine/one",
        "build:two.two": "own.example/own/own/two",
        "build:root": "parent.example/group/root",
    }


@pytest.mark.parametrize("more", ["overwriteVars: true", "vars: [{name: HOST, value: '${HOST}'}]"])
def test_a_variable_that_a_listing_does_not_ask_for_is_handed_down_as_unknown(shop: Project, more: str) -> None:
    root = config("root", path("one", f", {more}"), version="v1beta11").replace("registry.example", "${HOST}")
    shop.write("devspace.yaml", root + "vars: [{name: HOST, source: input}]\n")
    shop.write("one/devspace.yaml", config("one").replace("registry.example", "${HOST}"))

    assert builds(shop) == {"build:one.one": "${HOST}/one", "build:root": "${HOST}/root"}
    assert builds(shop, "--var", "HOST=x.example")["build:one.one"] == "x.example/one"


def test_a_password_that_is_handed_down_stays_one(shop: Project) -> None:
    hook = "hooks: [{command: 'echo the ${TOKEN}', when: {before: {images: all}}}]\n"
    entry = path("one", ", vars: [{name: TOKEN, value: '${PASSWORD}'}]")
    password = "vars: [{name: PASSWORD, password: true, value: s3cret}]\n"
    shop.write("devspace.yaml", config("root", entry, version="v1beta11") + password)
    shop.write("one/devspace.yaml", config("one") + hook)

    assert "s3cret" not in shop.doit("list", "--all").stdout
    result = shop.doit("build")

    assert result.returncode == 0, result.stderr
    assert "the ********" in result.stdout
    assert "s3cret" not in result.stdout


def test_with_continue_a_hook_does_not_run_where_a_dependency_does_not_build(shop: Project) -> None:
    hook = "hooks: [{command: 'echo hook >> $ORDER', when: {before: {images: all}}}]\n"
    shop.write("devspace.yaml", config("root", path("one")) + hook)
    shop.write("one/devspace.yaml", config("one").replace("echo build", "false; exit 1; echo"))

    result = shop.doit("--continue", "build")
    assert "build:root was not started: build:one.one hook:before-images-1 hash:root failed" in result.stdout
    assert built(shop) == []

    assert shop.doit("hash").returncode == 0
    assert built(shop) == []


def test_an_image_is_built_from_one_of_a_dependency(shop: Project) -> None:
    image = "{image: registry.example/%s, dockerfile: Dockerfile}"
    shop.write(
        "devspace.yaml",
        f"version: v1beta6\nimages: {{app: {image % 'app'}}}\ndependencies: [{{source: {{path: base}}}}]\n",
    )
    shop.write("Dockerfile", "FROM registry.example/node\n")
    shop.write("base/devspace.yaml", f"version: v1beta6\nimages: {{node: {image % 'node'}}}\n")
    shop.write("base/Dockerfile", "FROM scratch\n")

    assert "tag:base.node" in shop.doit("info", "--no-status", "build:app").stdout


def test_where_a_dependency_is_may_depend_on_a_question_that_listing_does_not_ask(shop: Project) -> None:
    variable = "vars: [{name: WHERE, source: input}]\n"
    shop.write("devspace.yaml", config("root", path("'${WHERE}'", ", name: one")) + variable)
    shop.write("here/devspace.yaml", config("one"))

    assert "dependency:one" in listed(shop)
    assert shop.doit("build", "--var", "WHERE=here").returncode == 0
    assert built(shop) == ["one", "root"]


# Sources in git repositories


def git(folder: Path, *words: str) -> str:
    result = subprocess.run(
        ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.com", *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return result.stdout.strip()


class Upstream:
    """A git repository that others take dependencies from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "--initial-branch=main")

    def commit(self, name: str, at: str = "devspace.yaml") -> str:
        """Commit a project with an image of this name, and return the commit."""
        (self.folder / at).parent.mkdir(exist_ok=True)
        (self.folder / at).write_text(config(name))
        git(self.folder, "add", ".")
        git(self.folder, "commit", "--quiet", "-m", name)
        return git(self.folder, "rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    return Upstream(tmp_path_factory.mktemp("git") / "library")


def source(upstream: Upstream, more: str = "") -> str:
    return f"{{source: {{git: 'file://{upstream.folder}'{more}}}}}"


def test_listing_fetches_nothing_and_a_run_does(shop: Project, upstream: Upstream) -> None:
    upstream.commit("lib")
    shop.write("devspace.yaml", config("root", source(upstream)))

    assert "dependency:library" in listed(shop)
    assert not cache_folder({"XDG_CACHE_HOME": str(shop.folder)}).exists()
    assert shop.imagetasks("dependencies").stdout == "library  not fetched yet\n"

    result = shop.doit("build")

    assert result.returncode == 0, result.stderr
    assert built(shop) == ["lib", "root"]
    assert "build:library.lib" in listed(shop)
    assert "dependency:library" not in listed(shop)


def test_two_runs_at_once_fetch_once(shop: Project, upstream: Upstream) -> None:
    upstream.commit("lib")
    shop.write("devspace.yaml", config("root", source(upstream)))
    other = shop.write("other/devspace.yaml", config("root", source(upstream)))

    runs = [shop.start("doit", "hash"), shop.start("doit", "hash", "--config", str(other))]
    outputs = [run.communicate(timeout=60)[1] for run in runs]

    assert [run.returncode for run in runs] == [0, 0], outputs
    assert "".join(outputs).count("fetching") == 1


def test_a_run_works_from_the_cache_without_the_repository(shop: Project, upstream: Upstream) -> None:
    upstream.commit("lib")
    shop.write("devspace.yaml", config("root", source(upstream)))
    shop.doit("hash")
    upstream.folder.rename(upstream.folder.with_name("gone"))

    assert shop.doit("build").returncode == 0
    assert built(shop) == ["lib", "root"]


@pytest.mark.parametrize("shortened", [None, 10])
def test_branches_tags_revisions_and_folders_in_a_repository(
    shop: Project, upstream: Upstream, shortened: int | None
) -> None:
    revision = upstream.commit("old")
    git(upstream.folder, "tag", "-a", "v1", "-m", "one")
    upstream.commit("newer")
    git(upstream.folder, "checkout", "--quiet", "-b", "feature/next")
    upstream.commit("next", "deep/devspace.yaml")
    git(upstream.folder, "checkout", "--quiet", "main")
    upstream.commit("newest")
    shop.write(
        "devspace.yaml",
        config(
            "root",
            f"{source(upstream)[:-1]}, name: head}}",
            f"{source(upstream, ', tag: v1')[:-1]}, name: tag}}",
            f"{source(upstream, f', revision: {revision[:shortened]!r}')[:-1]}, name: revision}}",
            source(upstream, ", branch: feature/next, subPath: deep"),
        ),
    )

    assert shop.doit("hash").returncode == 0

    names = listed(shop)
    for name in ("head.newest", "tag.old", "revision.old", "deep.next"):
        assert f"build:{name}" in names


def test_an_update_tells_the_commits(shop: Project, upstream: Upstream) -> None:
    old = upstream.commit("lib")
    git(upstream.folder, "tag", "v1")
    shop.write(
        "devspace.yaml", config("root", source(upstream), source(upstream, ", tag: v1")[:-1] + ", name: fixed}")
    )
    shop.doit("hash")
    new = upstream.commit("lib2")

    assert "build:library.lib" in listed(shop)
    result = shop.imagetasks("dependencies", "--update")

    assert result.returncode == 0, result.stderr
    assert f"file://{upstream.folder}: {old} -> {new}\n" in result.stdout
    assert f"file://{upstream.folder} (v1): still at {old}\n" in result.stdout
    assert "build:library.lib2" in listed(shop)
    assert "build:fixed.lib" in listed(shop)


def test_a_fetch_that_fails_leaves_nothing_behind(shop: Project, upstream: Upstream) -> None:
    upstream.commit("lib")
    shop.write("devspace.yaml", config("root", source(upstream, ", branch: nope")))

    result = shop.doit("build")

    assert result.returncode == 3
    assert "devspace.yaml:5:3: " in result.stderr
    assert "(nope) cannot be fetched: there is no branch nope\n" in result.stderr
    assert "Traceback" not in result.stderr
    assert "dependency:library" in listed(shop)


@pytest.mark.parametrize(
    "missing", ["tag v9", "revision 1111111111111111111111111111111111111111", "revision 1111111", "revision nope"]
)
def test_a_tag_or_revision_that_is_not_there_is_one_sentence(shop: Project, upstream: Upstream, missing: str) -> None:
    upstream.commit("lib")
    kind, _, name = missing.partition(" ")
    shop.write("devspace.yaml", config("root", source(upstream, f", {kind}: '{name}'")))

    result = shop.doit("build")

    assert result.returncode == 3
    assert f"({name}) cannot be fetched: there is no {missing}\n" in result.stderr


def test_a_repository_without_a_commit_is_one_sentence(shop: Project, upstream: Upstream) -> None:
    shop.write("devspace.yaml", config("root", source(upstream)))

    assert "cannot be fetched: there is no commit in it\n" in shop.doit("build").stderr


def test_without_git_there_is_one_sentence(shop: Project, upstream: Upstream) -> None:
    upstream.commit("lib")
    shop.write("devspace.yaml", config("root", source(upstream)))

    result = shop.doit("build", env={"PATH": str(shop.folder)})

    assert result.returncode == 3
    assert "there is no program `git`" in result.stderr


@pytest.mark.parametrize(
    "more",
    [
        "git: --upload-pack=touch hacked",
        'git: "ext::sh -c touch% hacked"',
        "git: https://example.com/x, branch: --force",
        "git: https://example.com/x, tag: 'v1:refs/heads/main'",
        "git: https://example.com/x, branch: a, tag: b",
        "git: https://example.com/x, path: x",
        "git: 'https://[example'",
        'git: "https://example.com/\\0"',
        "branch: main",
    ],
)
def test_what_git_would_misread_is_refused(shop: Project, more: str) -> None:
    shop.write("devspace.yaml", config("root", f"{{source: {{{more}}}}}"))

    result = shop.doit("build")

    assert result.returncode == 3
    assert "devspace.yaml:5:" in result.stderr
    assert not (shop.folder / "hacked").exists()


def test_a_password_in_an_address_is_shown_nowhere(shop: Project, tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin"}
    url = "http://ann:s3cret@localhost:1/library.git"
    repository = Repository(GitSource(url), tmp_path, environ, Position("devspace.yaml", 1, 1))

    with pytest.raises(ConfigError) as raised:
        repository.fetch()

    assert "http://localhost:1/library.git" in str(raised.value)
    assert "s3cret" not in str(raised.value) + str(repository.folder) + repository.shown
