"""Which permissions a call needs, in IAM's words."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from fraudlab.rehearsal.api_call import ApiCall

#: what IAM calls a service that signs under another name
_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag", "email": "ses"}
#: S3's sub-resources: of a bucket and of an object, in a query's order of importance
_BUCKET = {
    "location": "BucketLocation", "versioning": "BucketVersioning", "policy": "BucketPolicy",
    "acl": "BucketAcl",
    "policyStatus": "BucketPolicyStatus", "encryption": "EncryptionConfiguration", "cors": "BucketCORS",
    "lifecycle": "LifecycleConfiguration", "tagging": "BucketTagging", "logging": "BucketLogging",
    "publicAccessBlock": "BucketPublicAccessBlock", "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls", "notification": "BucketNotification",
}  # fmt: skip
_OBJECT = {
    "tagging": "ObjectTagging",
    "acl": "ObjectAcl",
    "retention": "ObjectRetention",
    "legal-hold": "ObjectLegalHold",
}
_VERBS = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "DELETE": "Delete", "POST": "Put"}


def actions_of(call: ApiCall) -> list[str]:
    """The actions of a call, the first of which is the call itself."""
    if call.service == "s3":
        return [f"s3:{name}" for name in _of_s3(call)]
    operation = operation_of(call)
    prefix = _PREFIXES.get(call.service, call.service)
    found = [f"{prefix}:{operation}"]
    if prefix == "sagemaker" and operation.startswith("Create"):
        request = call.json()
        if request.get("RoleArn") or request.get("ExecutionRoleArn"):
            found.append("iam:PassRole")
        if request.get("Tags"):
            found.append("sagemaker:AddTags")
    return found


def operation_of(call: ApiCall) -> str:
    """The operation's name as boto3 has it; of S3 the name of its action."""
    if call.target:
        return call.operation
    if call.service == "s3":
        return _of_s3(call)[0]
    if call.service == "sagemaker":
        return "InvokeEndpoint" if call.path.endswith("/invocations") else "UnknownOperation"
    in_path = re.search(r"/operation/(\w+)$", call.path)
    if in_path:
        return in_path[1]
    fields = parse_qs(call.query)
    if "form-urlencoded" in call.environ.get("CONTENT_TYPE", ""):
        fields |= parse_qs(call.read().decode("utf-8", "replace"))
    return fields.get("Action", ["UnknownOperation"])[0]


def _of_s3(call: ApiCall) -> list[str]:
    bucket, _, key = call.path.lstrip("/").partition("/")
    asked = {part.split("=")[0] for part in call.query.split("&") if part}
    if not bucket:
        return ["ListAllMyBuckets"]
    return _of_object(call, asked) if key else _of_bucket(call.method, asked)


def _of_bucket(method: str, asked: set[str]) -> list[str]:
    if "uploads" in asked:
        return ["ListBucketMultipartUploads"]
    if "versions" in asked:
        return ["ListBucketVersions"]
    if "delete" in asked:
        return ["DeleteObject"]
    for name, words in _BUCKET.items():
        if name in asked:
            # taking a configuration away is the permission to put one, but for the policy
            verb = "Put" if method == "DELETE" and name != "policy" else _VERBS.get(method, "Get")
            return [f"{verb}{words}"]
    return {"PUT": ["CreateBucket"], "DELETE": ["DeleteBucket"]}.get(method, ["ListBucket"])


def _of_object(call: ApiCall, asked: set[str]) -> list[str]:
    method = call.method
    for name, words in _OBJECT.items():
        if name in asked:
            return [f"{_VERBS.get(method, 'Get')}{words}"]
    if "uploadId" in asked and method == "DELETE":
        return ["AbortMultipartUpload"]
    if "uploadId" in asked and method == "GET":
        return ["ListMultipartUploadParts"]
    version = "Version" if "versionId" in asked else ""
    found = {"GET": f"GetObject{version}", "HEAD": f"GetObject{version}", "DELETE": f"DeleteObject{version}"}
    needed = [found.get(method, "PutObject")]
    if "HTTP_X_AMZ_COPY_SOURCE" in call.environ:
        needed.append("GetObject")
    if "HTTP_X_AMZ_TAGGING" in call.environ:
        needed.append("PutObjectTagging")
    return needed
