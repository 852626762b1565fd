"""The code blocks of README and docs: each is run by CI, or says why not."""

import pytest

UNNAMED = "error: say its language, or text where it is output"


@pytest.fixture
def told(script, tmp_path, monkeypatch):
    module = script(".ci/blocks.py")
    monkeypatch.setattr(module, "ROOT", tmp_path)

    def tell(text, *, docker=False):
        (tmp_path / "a.md").write_text(text, encoding="utf-8")
        return [module.what_to_do(block, docker=docker) for block in module.blocks(tmp_path / "a.md")]

    return tell


@pytest.mark.parametrize(
    ("info", "without", "with_docker"),
    [
        ("sh", "run", "not run: runs without Docker"),
        ("bash", "run", "not run: runs without Docker"),
        ("python file=a/b.py", "run", "not run: runs without Docker"),
        ("sh docker", "not run: needs Docker", "run"),
        ("sh no-run: an hour", "not run: an hour", "not run: an hour"),
        ("sh no-run:", "error: no-run: needs a reason", "error: no-run: needs a reason"),
        ("json", "output", "output"),
        ("", UNNAMED, UNNAMED),
        ("sh dokcer", "error: 'dokcer' means nothing here", "error: 'dokcer' means nothing here"),
    ],
)  # fmt: skip
def test_what_stands_behind_a_fence_says_what_is_done(told, info, without, with_docker):
    text = f"# A\n\n```{info}\nfalse\n```\n"
    assert (told(text), told(text, docker=True)) == ([without], [with_docker])


def test_fences_inside_fences_in_lists_and_without_an_end_are_blocks(told):
    assert told("````text\n```sh\n````\n\n- a\n\n  ```sh\n  true\n  ```\n\n~~~json\n{}\n") == [
        "output",
        "run",
        "output",
    ]


def test_every_block_of_readme_and_docs_says_what_it_is(script):
    module = script(".ci/blocks.py")
    files = module.pages()
    found = [block for file in files for block in module.blocks(file)]
    assert found
    wrong = {block.name: module.what_to_do(block, docker=False) for block in found}
    assert {name: todo for name, todo in wrong.items() if todo.startswith("error")} == {}
