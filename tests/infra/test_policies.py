"""The reader of policies and the comparison see what there is, and what is missing."""

import json

import pytest

from .policies import (
    Call,
    Gaps,
    Statement,
    Values,
    actions,
    compare,
    covers,
    known_actions,
    read_calls,
    read_template,
    statements,
)

TEMPLATE = """
Parameters:
  Key: {Type: String, Default: ""}
  Names: {Type: CommaDelimitedList, Default: "a,b"}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Sid: Trust, Effect: Allow, Action: sts:AssumeRole}]}
      Policies:
        - PolicyName: jobs
          PolicyDocument:
            Statement:
              - Sid: Read
                Effect: Allow
                Action: s3:GetObject
                Resource: !Sub "${Bucket.Arn}/${AWS::Region}/${!aws:username}"
              - !If
                - HasKey
                - Sid: Use
                  Effect: Allow
                  Action: ["kms:Decrypt", "kms:Encrypt"]
                  Resource: !If [HasKey, !Ref Key, "*"]
                - !Ref AWS::NoValue
        - !If [HasKey, !Ref AWS::NoValue, {PolicyName: p, PolicyDocument: {Statement: [
            {Sid: More, Effect: Allow, Action: "s3:ListBucket", Resource: !GetAtt Bucket.Arn,
             Condition: {StringLike: !If [HasKey, !Ref AWS::NoValue, {"s3:prefix": !Ref Names}],
                         StringEquals: !If [HasKey, {}, !Ref AWS::NoValue]}}]}}]
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Statement:
          - Sid: Name
            Effect: Allow
            Action: x:Y
            Resource: !Sub ["${First}.${Key}", {First: !If [HasKey, a, b]}]
"""


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    return read_template(path)


def test_what_a_stack_leaves_out_is_not_read(template):
    values = Values(template, conditions={"HasKey": False})
    assert statements(template["Resources"]["Role"], values) == [
        Statement("Read", ("s3:GetObject",), ("<Bucket.Arn>/eu-west-1/${aws:username}",), {}),
        Statement("More", ("s3:ListBucket",), ("<Bucket.Arn>",), {"StringLike": {"s3:prefix": ["a", "b"]}}),
    ]
    assert statements(template["Resources"]["Policy"], values)[0].resources == ("b.",)


def test_what_a_stack_has_is_read(template):
    values = Values(template, conditions={"HasKey": True}, Key="arn:k")
    found = statements(template["Resources"]["Role"], values)
    assert [(s.sid, s.resources) for s in found][1:] == [("Use", ("arn:k",))]
    assert actions(found) == {"s3:GetObject", "kms:Decrypt", "kms:Encrypt"}
    assert statements(template["Resources"]["Policy"], values)[0].resources == ("a.arn:k",)


@pytest.mark.parametrize("word", ["Effect: Deny, Action: a:B", "Effect: Allow, NotAction: a:B"])
def test_what_the_comparison_cannot_weigh_is_refused(word, tmp_path):
    path = tmp_path / "template.yaml"
    policy = f"{{PolicyDocument: {{Statement: [{{Sid: S, Resource: r, {word}}}]}}}}"
    path.write_text(f"Parameters: {{}}\nResources: {{P: {{Type: T, Properties: {policy}}}}}\n")
    template = read_template(path)
    with pytest.raises(NotImplementedError, match="S"):
        statements(template["Resources"]["P"], Values(template, conditions={}))


def test_an_unknown_function_is_refused(template):
    with pytest.raises(NotImplementedError, match="Fn::ImportValue"):
        Values(template, conditions={}).of({"a": [{"Fn::ImportValue": "x"}]})


def test_actions_are_those_that_iam_has():
    known = known_actions()
    assert {"s3:listbucket", "sagemaker:createtrainingjob", "iam:passrole", "ecr:putimage"} <= known
    assert not {"s3:headobject", "s3:listobjectsv2", "service-quotas:listservicequotas"} & known


def test_calls_are_read_line_by_line(tmp_path):
    path = tmp_path / "calls.jsonl"
    lines = [
        {"action": "s3:GetObject", "by": "launcher"},
        {"action": "s3:GetObject", "by": "launcher"},
        {"action": "logs:PutLogEvents", "by": "role", "key": "K"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"action": "s3:Pu')
    assert read_calls(path) == {Call("launcher", "s3:GetObject"), Call("role", "logs:PutLogEvents")}


@pytest.mark.parametrize(
    ("pattern", "action", "is_covered"),
    [
        ("s3:GetObject", "s3:getobject", True),
        ("s3:Get*", "s3:GetObject", True),
        ("*", "s3:GetObject", True),
        ("s3:GetObjec?", "s3:GetObject", True),
        ("s3:GetObject", "s3:GetObjectTagging", False),
        ("s3:[G]etObject", "s3:GetObject", False),
    ],
)
def test_patterns_are_those_of_iam(pattern, action, is_covered):
    assert covers(pattern, action) == is_covered


def test_planted_gaps_are_found():
    seen = {"s3:PutObject", "sagemaker:CreateTrainingJob", "iam:CreateUser"}
    allowed = {"s3:*", "sagemaker:CreateTrainingJob", "sagemaker:DeleteModel"}
    assert compare(seen, allowed, seen_only={}, allowed_only={}) == Gaps(
        ("iam:CreateUser",), ("sagemaker:DeleteModel",), (), ()
    )


def test_an_exception_excuses_and_is_found_when_it_excuses_nothing():
    seen, allowed = {"a:Seen", "a:Both"}, {"a:Both", "a:Allowed"}
    excused = compare(seen, allowed, seen_only={"a:Seen": "why"}, allowed_only={"a:Allowed": "why"})
    assert excused == Gaps((), (), (), ())
    needless = compare({"a:Both"}, {"a:Both"}, seen_only={"a:Seen": "why"}, allowed_only={"a:Both": "why"})
    assert needless == Gaps((), (), ("a:Seen",), ("a:Both",))
