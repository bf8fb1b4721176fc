import json

import pytest

from forearm.core.bundle import CONTRACT, load_bundle
from forearm.core.errors import FileError
from forearm.core.robots import get_robot
from forearm.core.signature import SignatureError, sign
from forearm.deploy.sample import sample_bundle

pytest.importorskip("cryptography", reason="forearm[sign] is not installed")


@pytest.fixture
def path(tmp_path):
    return sample_bundle(tmp_path / "bundle", get_robot("ur5e"), width=8).path


def test_a_signed_bundle_loads_with_its_key_and_without(path, keys):
    sign(path / CONTRACT, keys[0])
    assert load_bundle(path, keys[1]).contract == load_bundle(path).contract


def test_an_unsigned_bundle_is_refused_where_a_key_is_configured(path, keys):
    with pytest.raises(SignatureError, match="is not signed"):
        load_bundle(path, keys[1])


def test_a_bundle_signed_by_someone_else_is_refused(path, keys, make_keys):
    sign(path / CONTRACT, make_keys("other")[0])
    with pytest.raises(SignatureError, match="was not signed with the key"):
        load_bundle(path, keys[1])


def test_a_contract_altered_after_signing_is_refused(path, keys):
    sign(path / CONTRACT, keys[0])
    content = json.loads((path / CONTRACT).read_text())
    content["limits"][0]["velocity"] *= 10
    (path / CONTRACT).write_text(json.dumps(content))
    assert load_bundle(path)  # consistent in itself: only the signature tells
    with pytest.raises(SignatureError, match="was not signed with the key"):
        load_bundle(path, keys[1])


def test_a_policy_altered_after_signing_is_refused(path, keys):
    sign(path / CONTRACT, keys[0])
    data = bytearray((path / "policy.onnx").read_bytes())
    data[-100] ^= 1
    (path / "policy.onnx").write_bytes(data)
    with pytest.raises(FileError, match="altered"):
        load_bundle(path, keys[1])


def test_exporting_again_takes_the_old_signature_away(path, keys):
    sign(path / CONTRACT, keys[0])
    sample_bundle(path, get_robot("ur5e"), 0.01, width=8)
    with pytest.raises(SignatureError, match="is not signed"):
        load_bundle(path, keys[1])


def test_what_is_no_key_is_refused_in_one_sentence(path, keys, tmp_path):
    for wrong in (tmp_path / "none", path / CONTRACT, keys[0]):
        with pytest.raises(FileError):
            load_bundle(path, wrong)
    with pytest.raises(FileError, match="not a PEM key"):
        sign(path / CONTRACT, keys[1])


def test_the_signature_is_plain_ed25519_of_the_contract(path, keys):
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    signature = sign(path / CONTRACT, keys[0]).read_bytes()
    public = load_pem_public_key(keys[1].read_bytes())
    assert len(signature) == 64
    public.verify(signature, (path / CONTRACT).read_bytes())
