"""``imagetasks doctor``: tell what is there of all that the file needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial

from imagetasks.commands.parser import Parser, config_file, options_of
from imagetasks.doctor.checks import Finding, checks_for, run_checks
from imagetasks.doctor.needs import Needs, needs_of
from imagetasks.errors import ClusterError, OptionError, UserError
from imagetasks.kubeconfig import Target, find_target
from imagetasks.local_clusters import LocalCluster, local_cluster
from imagetasks.options import Options
from imagetasks.project import open_project
from imagetasks.report.terminal import show

MISSING = 1
"""The exit code if something is missing that the file needs."""


def main(words: Sequence[str]) -> int:
    """Print a line for each thing that projects need, with its version, and what needs it if it is missing.

    Without a file, or with one that has mistakes, nothing counts as missing; nobody is asked for a variable. What
    does not answer in time counts as not there.

    :raises UserError: after the lines, a mistake in the file
    """
    parser = Parser(
        "doctor",
        "Tell what is there of all that the file needs, in which version, and what is missing.",
        failure="something is missing",
    )
    parser.add_configuration()
    parser.add_argument("--kube-context", metavar="CONTEXT", default="", help="the kubectl context to deploy to")
    parser.add_argument("--namespace", metavar="NAMESPACE", default="", help="the namespace to deploy to")
    found = parser.parse_args(words)
    options = options_of(found)._replace(kube_context=found.kube_context, namespace=found.namespace)
    find = cache(partial(find_target, os.environ, context=options.kube_context, namespace=options.namespace))
    target = _target(find)
    local = local_cluster(target.context, target.server, ()) if target else None
    mistake: UserError | None = None
    needs = Needs()
    try:
        needs = _needs(options, local)
    except UserError as error:
        mistake = error
    if target is None:
        needs = needs._replace(rights={})
    findings = run_checks(list(checks_for(needs, find, local)))
    show(sys.stdout, "".join(f"{line}\n" for line in _lines(findings)))
    if mistake:
        raise mistake
    return MISSING if any(finding.is_missing for finding in findings) else 0


def _target(find: Callable[[], Target]) -> Target | None:
    """Where the file is deployed to; None where the check of the cluster will tell why that is not known."""
    try:
        return find()
    except ClusterError:
        return None


def _needs(options: Options, local: LocalCluster | None) -> Needs:
    """What the file needs, which is nothing if there is none."""
    try:
        file = config_file(options)
    except OptionError as error:
        show(sys.stdout, f"{error}\n")
        return Needs()
    return needs_of(open_project(file, options, asker=None), local)


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    width = max(len(finding.check.subject) for finding in findings)
    for finding in findings:
        word = "ok" if finding.is_there else "missing" if finding.is_missing else "-"
        line = f"{word:<7}  {finding.check.subject:<{width}}  {finding.detail}"
        yield f"{line} (needed by {finding.check.needed_by})" if finding.is_missing else line
