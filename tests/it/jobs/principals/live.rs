//! A real directory, OpenLDAP's slapd, that exists only here, on this computer.

use super::{counts, get};
use crate::harness::{Desk, Run, installed};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How many people it has: more than fit into a page, and into an answer without pages.
const PEOPLE: usize = 1200;

struct Directory {
    process: Child,
    desk: Desk,
    port: u16,
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn openssl(desk: &Desk, line: &str) {
    let done = Command::new("openssl").args(line.split_whitespace()).current_dir(desk.path("")).output().unwrap();
    assert!(done.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&done.stderr));
}

/// slapd lies where only administrators look.
fn slapd(name: &str) -> Command {
    let folders = ["/usr/sbin", "/usr/lib/openldap", "/usr/libexec", "/usr/local/libexec", "/usr/local/sbin"];
    let found = folders.iter().map(|folder| std::path::Path::new(folder).join(name)).find(|path| path.exists());
    Command::new(found.unwrap_or_else(|| name.into()))
}

impl Directory {
    fn start() -> Directory {
        let desk = Desk::new();
        desk.run("store new --store @s.db").code(0);
        openssl(
            &desk,
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=test-ca -days 2 -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign",
        );
        openssl(&desk, "req -new -newkey rsa:2048 -nodes -keyout tls.key -out tls.csr -subj /CN=localhost");
        desk.write("ext", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
        openssl(
            &desk,
            "x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -set_serial 7 -days 2 -extfile ext -out tls.pem",
        );
        let schema =
            ["/etc/ldap/schema", "/etc/openldap/schema"].into_iter().find(|p| std::path::Path::new(p).exists());
        let schema = schema.expect("slapd is needed for this test; .ci/run installs it");
        let modules = ["/usr/lib/ldap", "/usr/lib/openldap", "/usr/lib64/openldap"]
            .into_iter()
            .find(|p| std::path::Path::new(p).exists());
        let load = modules.map(|path| format!("modulepath {path}\nmoduleload back_mdb\n")).unwrap_or_default();
        std::fs::create_dir(desk.path("data")).unwrap();
        let here = desk.path("");
        let here = here.display().to_string().trim_end_matches('/').to_owned();
        desk.write(
            "slapd.conf",
            format!(
                "include {schema}/core.schema\ninclude {schema}/cosine.schema\ninclude {schema}/inetorgperson.schema\n{load}\
                 TLSCACertificateFile {here}/ca.pem\nTLSCertificateFile {here}/tls.pem\n\
                 TLSCertificateKeyFile {here}/tls.key\n\
                 pidfile {here}/slapd.pid\ndatabase mdb\nsuffix \"dc=example,dc=com\"\nrootdn \"cn=admin,dc=example,dc=com\"\n\
                 rootpw secret\n\
                 directory {here}/data\nmaxsize 104857600\nlimits dn.exact=\"cn=reader,dc=example,dc=com\" size.soft=500 size.hard=500 size.prtotal=unlimited\nlimits dn.exact=\"cn=clerk,dc=example,dc=com\" size.soft=50 size.hard=50 size.prtotal=50\n\
                 access to attrs=userPassword by anonymous auth by * none\naccess to * by dn.regex=\"^cn=(reader|clerk),dc=example,dc=com$\" read by * none\n"
            ),
        );
        desk.write("data.ldif", people(PEOPLE));
        let added = slapd("slapadd")
            .arg("-q")
            .arg("-f")
            .arg(desk.path("slapd.conf"))
            .arg("-l")
            .arg(desk.path("data.ldif"))
            .output();
        let added = added.expect("slapd is needed for this test; .ci/run installs it");
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = slapd("slapd")
            .args(["-d", "0", "-h", &format!("ldap://127.0.0.1:{port}"), "-f"])
            .arg(desk.path("slapd.conf"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let directory = Directory { process, desk, port };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return directory;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("slapd does not answer");
    }

    fn sync(&self, host: &str, more: &str) -> Run {
        let url = format!("ldap://{host}:{}", self.port);
        self.desk
            .run(&format!("principal sync --ldap {url} --base dc=example,dc=com --store @s.db --output json {more}"))
    }
}

fn people(count: usize) -> String {
    let mut text = String::from(
        "dn: dc=example,dc=com\nobjectClass: domain\ndc: example\n\ndn: ou=IT,dc=example,dc=com\nobjectClass: organizationalUnit\nou: IT\n\n",
    );
    for name in ["reader", "clerk"] {
        text.push_str(&format!(
            "dn: cn={name},dc=example,dc=com\nobjectClass: person\nobjectClass: simpleSecurityObject\ncn: {name}\nsn: {name}\n\
             userPassword: open sesame\n\n"
        ));
    }
    for n in 0..count {
        text.push_str(&format!(
            "dn: cn=Person {n},ou=IT,dc=example,dc=com\nobjectClass: inetOrgPerson\ncn: Person {n}\nsn: {n}\nuid: p{n}\nmail: p{n}@example.com\nl: Redmond\n\n"
        ));
    }
    text.push_str("dn: cn=Inner,ou=IT,dc=example,dc=com\nobjectClass: groupOfNames\ncn: Inner\nmember: cn=Person 7,ou=IT,dc=example,dc=com\n\n");
    text.push_str("dn: cn=Outer,ou=IT,dc=example,dc=com\nobjectClass: groupOfNames\ncn: Outer\nmember: cn=Inner,ou=IT,dc=example,dc=com\n\n");
    text
}

#[test]
fn a_real_directory_is_read_in_pages_over_tls() {
    if !["slapd", "slapadd", "ldapdelete", "openssl"].into_iter().all(installed) {
        return;
    }
    let directory = Directory::start();
    let desk = &directory.desk;
    desk.write("password", "open sesame\n");
    desk.write("wrong", "open barley\n");
    let password =
        |file: &str| format!("--bind-dn cn=reader,dc=example,dc=com --password-file {}", desk.path(file).display());
    // Nobody may read; who does not know the password may not either.
    directory.sync("127.0.0.1", "").code(10);
    let run = directory.sync("127.0.0.1", &password("wrong")).code(16);
    assert!(!run.err.contains("barley"), "{}", run.err);
    let reader = format!("{} --page-size 100", password("password"));
    assert!(get(desk, "Get-CsAdPrincipal").is_empty());
    let all = PEOPLE as u64 + 6;
    assert_eq!(counts(&directory.sync("127.0.0.1", &format!("{reader} --what-if")).code(0)), (all, 0, 0, 0));
    assert!(get(desk, "Get-CsAdPrincipal").is_empty());
    // What the directory gives at most, a page or all, is told with how much came.
    let clerk = password("password").replace("reader", "clerk");
    directory.sync("127.0.0.1", &clerk).code(15).says("size limit exceeded after").says("--page-size");
    let run = directory.sync("127.0.0.1", &format!("{clerk} --page-size 20"));
    run.code(15).says("size limit exceeded after 50 entries").says("--ldap-filter");
    // TLS: a certificate of somebody else is not enough.
    let tls = format!("{reader} --starttls --ca {}", desk.path("ca.pem").display());
    openssl(desk, "req -x509 -newkey rsa:2048 -nodes -keyout o.key -out other.pem -subj /CN=other -days 2");
    directory.sync("localhost", &format!("{reader} --starttls --ca {}", desk.path("other.pem").display())).code(20);
    directory.sync("localhost", &format!("{reader} --starttls --ca {}", desk.path("ca.key").display())).code(13);
    assert_eq!(counts(&directory.sync("localhost", &tls).code(0)), (all, 0, 0, 0));
    assert_eq!(counts(&directory.sync("localhost", &tls).code(0)), (0, 0, all, 0));
    // Groups in groups, and attributes.
    let line = |line: &str| desk.args(&[line, "--store", "@s.db"]);
    line("New-CsPersistentChatCategory -Name IT -PersistentChatPoolFqdn pool.example.com").code(0);
    line("Set-CsPersistentChatCategory IT -AllowedMembers 'cn=Outer,ou=IT,dc=example,dc=com'").code(0);
    let eligible = get(desk, "Get-CsPersistentChatEligiblePrincipal -Category IT");
    assert_eq!((eligible.len(), &eligible[0]["DisplayName"]), (1, &"Person 7".into()));
    assert_eq!(get(desk, "Get-CsUser -LdapFilter l=redmond").len(), PEOPLE);
    // A part of the directory is no reason to call the rest gone.
    directory.sync("localhost", &format!("{tls} --ldap-filter (uid=p1) --missing-deleted")).code(2);
    assert_eq!(counts(&directory.sync("localhost", &format!("{tls} --ldap-filter (uid=p1)")).code(0)), (0, 0, 1, 0));
    let gone = Command::new("ldapdelete")
        .args([
            "-x",
            "-H",
            &format!("ldap://127.0.0.1:{}", directory.port),
            "-D",
            "cn=admin,dc=example,dc=com",
            "-w",
            "secret",
        ])
        .arg("cn=Person 3,ou=IT,dc=example,dc=com")
        .output()
        .expect("ldap-utils are needed for this test; .ci/run installs them");
    assert!(gone.status.success());
    assert_eq!(counts(&directory.sync("localhost", &format!("{tls} --missing-deleted")).code(0)), (0, 0, all - 1, 1));
    let log = desk.audit("s.db");
    assert!(log.iter().all(|record| !record.to_string().contains("sesame")));
    assert!(log.iter().any(|record| record["action"] == "principal sync"));
}

#[test]
fn addresses_and_passwords_are_not_taken_lightly() {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    desk.write("password", "x\n");
    desk.write("empty", "\n");
    let sync = |more: &str| desk.run(&format!("principal sync --base dc=example,dc=com --store @s.db {more}"));
    sync("--ldap http://example.com").code(2);
    sync("--ldap ldaps://localhost --starttls").code(2);
    sync("--ldap ldap://localhost --bind-dn cn=x").code(2).says("PCHAT_LDAP_PASSWORD");
    sync("--ldap ldap://localhost --bind-dn cn=x --password-file @empty").code(2);
    sync("--ldap ldap://dc1.example.com --bind-dn cn=x --password-file @password").code(15).says("unencrypted");
    sync("--ldap ldap://127.example.com --bind-dn cn=x --password-file @password").code(15).says("unencrypted");
    sync("--ldap ldap://localhost.example.com:389 --bind-dn cn=x --password-file @password")
        .code(15)
        .says("unencrypted");
    sync("--ldap ldap://127.0.0.1:1 --timeout 1").code(20).says("cannot connect");
    desk.run("principal sync --ldap ldap://localhost --base nowhere --store @s.db").code(2);
}
