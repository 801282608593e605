use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::Command;

use proto::ssh_client::SshClient;
use tonic::transport::Channel;

use super::super::{Session, testing};
use super::wire::{Reader, put};
use super::*;

async fn client(agents: Agents) -> SshClient<Channel> {
    let session = Session::new("id", "name", "key").with(Agents::METHODS, agents.service());
    SshClient::new(testing::engine(session).await)
}

fn at(id: &str, path: impl Into<PathBuf>) -> Agent {
    Agent { id: id.into(), paths: vec![path.into()], raw: false }
}

/// Sends bytes in pieces of a size and gives back all that comes.
async fn forward(
    client: &mut SshClient<Channel>,
    id: &str,
    bytes: &[u8],
    size: usize,
) -> Result<Vec<u8>, Status> {
    let pieces: Vec<_> = bytes.chunks(size).map(|c| BytesMessage { data: c.to_vec() }).collect();
    let mut request = Request::new(tokio_stream::iter(pieces));
    request.metadata_mut().insert("buildkit.ssh.id", id.parse().unwrap());
    let mut replies = client.forward_agent(request).await?.into_inner();
    let mut out = Vec::new();
    while let Some(reply) = replies.message().await? {
        out.extend(reply.data);
    }
    Ok(out)
}

fn message(kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, &[&[kind], rest].concat());
    out
}

/// An agent that says what it was asked, as the answer to the question.
fn echo(path: &Path) {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut length = [0; 4];
            while stream.read_exact(&mut length).is_ok() {
                let mut request = vec![0; u32::from_be_bytes(length) as usize];
                stream.read_exact(&mut request).unwrap();
                request[0] += 1;
                stream.write_all(&length).unwrap();
                stream.write_all(&request).unwrap();
            }
        }
    });
}

#[tokio::test]
async fn an_agent_lists_and_signs_and_does_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent");
    echo(&path);
    let agents =
        Agents::new([Agent { id: String::new(), paths: Vec::new(), raw: false }], Some(&path)).unwrap();
    let mut client = client(agents).await;
    client.check_agent(CheckAgentRequest { id: String::new() }).await.unwrap();
    client.check_agent(CheckAgentRequest { id: "default".into() }).await.unwrap();
    let asked = [message(11, b""), message(13, b"data")].concat();
    let answered = [message(12, b""), message(14, b"data")].concat();
    for size in [1, 3, 4096] {
        assert_eq!(forward(&mut client, "", &asked, size).await.unwrap(), answered, "{size}");
    }
    for refused in [1, 17, 18, 19, 20, 21, 22, 23, 25, 26, 0, 255] {
        let got = forward(&mut client, "default", &message(refused, b"x"), 64).await.unwrap();
        assert_eq!(got, message(5, b""), "{refused}");
    }
    assert_eq!(forward(&mut client, "", &message(27, b"x"), 64).await.unwrap(), message(28, b""));
}

#[tokio::test]
async fn agents_that_were_not_offered_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent");
    echo(&path);
    let mut client = client(Agents::new([at("git", &path)], None).unwrap()).await;
    for (id, name) in [("", "default"), ("other", "other"), (path.to_str().unwrap(), path.to_str().unwrap())]
    {
        let want = format!("unset ssh forward key {name}");
        let error = client.check_agent(CheckAgentRequest { id: id.into() }).await.unwrap_err();
        assert_eq!(error.message(), want);
        assert_eq!(forward(&mut client, id, b"", 1).await.unwrap_err().message(), want);
    }
}

#[tokio::test]
async fn nonsense_and_a_dead_agent_end_the_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent");
    echo(&path);
    let mut client = client(Agents::new([at("", &path)], None).unwrap()).await;
    for nonsense in [&[0; 4][..], &[0xff; 4], &[0, 4, 0, 1, 13]] {
        assert!(forward(&mut client, "", nonsense, 64).await.is_err(), "{nonsense:?}");
    }
    assert_eq!(forward(&mut client, "", &[0, 0, 0, 9, 13], 64).await.unwrap(), b"", "half a request");
    fs::remove_file(&path).unwrap();
    let error = forward(&mut client, "", b"", 64).await.unwrap_err();
    assert!(error.message().starts_with("failed to dial agent "), "{error}");
}

#[tokio::test]
async fn a_raw_socket_is_forwarded_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        stream.write_all(text.to_uppercase().as_bytes()).unwrap();
    });
    let agent = Agent { raw: true, ..at("x", &path) };
    let mut client = client(Agents::new([agent], None).unwrap()).await;
    assert_eq!(forward(&mut client, "x", b"anything", 2).await.unwrap(), b"ANYTHING");
}

fn error(agent: Agent) -> String {
    Agents::new([agent], None).unwrap_err().to_string()
}

#[test]
fn what_cant_be_offered_is_told_before_the_build() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, file) = (folder.path().join("socket"), folder.path().join("file"));
    let _listener = UnixListener::bind(&socket).unwrap();
    fs::write(&file, "geheim").unwrap();
    let of = |paths: &[&PathBuf], raw| Agent {
        id: "a".into(),
        paths: paths.iter().map(|p| (*p).clone()).collect(),
        raw,
    };
    assert!(error(of(&[], false)).contains("make sure SSH_AUTH_SOCK is set"));
    assert!(error(of(&[&folder.path().join("none")], false)).contains("No such file"));
    assert!(error(of(&[&socket, &socket], false)).contains("only single socket allowed"));
    assert!(error(of(&[&file], true)).contains("raw mode only supported with socket paths"));
    assert!(error(of(&[], true)).contains("raw mode must supply exactly one path"));
    let shown = error(of(&[&file], false));
    assert!(shown.ends_with("file: it is no private key"), "{shown}");
    let twice = Agents::new([of(&[&socket], false), of(&[&socket], false)], None).unwrap_err();
    assert_eq!(twice.to_string(), "duplicate agent ID \"a\"");
}

/// Keys that this machine's own tools make, and those tools' verdict on what is signed with them.
#[tokio::test]
async fn keys_in_files_sign_as_an_agent_does() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, bits, format, flags) in [
        ("ed25519", "256", "RFC4716", 0),
        ("ecdsa", "256", "RFC4716", 0),
        ("ecdsa", "384", "RFC4716", 0),
        ("ecdsa", "256", "PEM", 0),
        ("ecdsa", "384", "PKCS8", 0),
        ("rsa", "2048", "RFC4716", 4),
        ("rsa", "3072", "PEM", 2),
        ("rsa", "2048", "PKCS8", 4),
    ] {
        let path = folder.path().join(format!("{kind}-{bits}-{format}"));
        let made = Command::new("ssh-keygen")
            .args(["-q", "-N", "", "-t", kind, "-b", bits, "-m", format, "-C", "", "-f"])
            .arg(&path)
            .status()
            .expect("OpenSSH's ssh-keygen");
        assert!(made.success());
        let public = fs::read_to_string(path.with_extension("pub")).unwrap();
        let public = public.split_whitespace().nth(1).unwrap();
        let public = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, public).unwrap();
        let mut client = client(Agents::new([at("", &path)], None).unwrap()).await;
        let listed = forward(&mut client, "", &message(11, b""), 64).await.unwrap();
        let mut want = vec![0, 0, 0, 1];
        put(&mut want, &public);
        put(&mut want, b"");
        assert_eq!(listed, message(12, &want), "{}", path.display());
        let data = signed_data(b"message");
        let mut ask = Vec::new();
        put(&mut ask, &public);
        put(&mut ask, &data);
        ask.extend(u32::to_be_bytes(flags));
        let reply = forward(&mut client, "", &message(13, &ask), 64).await.unwrap();
        let mut reply = Reader(reply.get(5..).unwrap());
        verify(folder.path(), &path, &public, reply.string().unwrap());
        put(&mut ask, b"x");
        let other = [&[0, 0, 0, 1, 0][..], &ask].concat();
        assert_eq!(forward(&mut client, "", &message(13, &other), 64).await.unwrap(), message(5, b""));
    }
    let path = folder.path().join("protected");
    let made =
        Command::new("ssh-keygen").args(["-q", "-N", "geheim", "-t", "ed25519", "-f"]).arg(&path).status();
    assert!(made.unwrap().success());
    assert!(error(at("", &path)).contains("a passphrase protects it: add it to an agent with `ssh-add`"));
}

/// What `ssh-keygen -Y sign -n test` signs.
fn signed_data(message: &[u8]) -> Vec<u8> {
    let mut out = b"SSHSIG".to_vec();
    put(&mut out, b"test");
    put(&mut out, b"");
    put(&mut out, b"sha512");
    put(&mut out, ring::digest::digest(&ring::digest::SHA512, message).as_ref());
    out
}

fn verify(folder: &Path, key: &Path, public: &[u8], signature: &[u8]) {
    let mut blob = [b"SSHSIG".as_slice(), &1u32.to_be_bytes()].concat();
    for field in [public, b"test", b"", b"sha512", signature] {
        put(&mut blob, field);
    }
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, blob);
    let text = format!("-----BEGIN SSH SIGNATURE-----\n{text}\n-----END SSH SIGNATURE-----\n");
    fs::write(folder.join("sig"), text).unwrap();
    let known = format!("me {}", fs::read_to_string(key.with_extension("pub")).unwrap());
    fs::write(folder.join("signers"), known).unwrap();
    fs::write(folder.join("message"), "message").unwrap();
    let checked = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-I", "me", "-n", "test", "-f"])
        .arg(folder.join("signers"))
        .arg("-s")
        .arg(folder.join("sig"))
        .stdin(fs::File::open(folder.join("message")).unwrap())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}: {}", key.display(), String::from_utf8_lossy(&checked.stderr));
}
