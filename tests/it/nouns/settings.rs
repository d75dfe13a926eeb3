//! Settings per scope, policies, add-ins, endpoints, states and servers.

use super::{each, line, objects, one};
use crate::harness::{Desk, put};
use pchat::model::record::Record;
use pchat::nouns::principal;
use pchat::store::sqlite::Sqlite;
use serde_json::Value;

fn desk() -> Desk {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    line(&desk, "New-CsPersistentChatCategory -Name IT -PersistentChatPoolFqdn pool.example.com").code(0);
    line(&desk, "New-CsPersistentChatRoom -Name Help -Category IT").code(0);
    desk
}

#[test]
fn i11_categories_and_addins_stay_in_their_pool() {
    let desk = desk();
    for cmdlet in ["Set-CsPersistentChatCategory IT", "Set-CsPersistentChatAddin A"] {
        line(&desk, &format!("{cmdlet} -PersistentChatPoolFqdn other.example.com")).code(2).says("has no parameter");
    }
}

#[test]
fn i12_a_room_shows_an_addin_of_its_pool_that_is_registered() {
    let desk = desk();
    line(&desk, "New-CsPersistentChatRoom -Name X -Category IT -Addin Quotes").code(10).says("no add-in");
    line(&desk, "New-CsPersistentChatAddin -Name Quotes -Url https://example.com/q").code(0);
    line(&desk, "New-CsPersistentChatAddin -Name QUOTES -Url https://example.com/q").code(15).says("unique");
    line(
        &desk,
        "New-CsPersistentChatAddin -Name Away -Url https://example.com -PersistentChatPoolFqdn other.example.com",
    )
    .code(0);
    line(&desk, "Set-CsPersistentChatRoom Help -Addin Away").code(10);
    line(&desk, "Set-CsPersistentChatRoom Help -Addin other.example.com\\Away").code(15);
    line(&desk, "Set-CsPersistentChatRoom Help -Addin quotes").code(0);
    assert_eq!(one(&desk, "Get-CsPersistentChatRoom -Addin Quotes")["Addin"], "Quotes");
    line(&desk, "Set-CsPersistentChatAddin Quotes -Name Prices -Url http://example.com/p").code(0);
    assert_eq!(one(&desk, "Get-CsPersistentChatRoom Help")["Addin"], "Prices");
    for url in ["ftp://example.com", "https://", "javascript:alert(1)", "https://a b", ""] {
        line(&desk, &format!("Set-CsPersistentChatAddin Prices -Url '{url}'")).code(15);
    }
    let long = "x".repeat(51);
    line(
        &desk,
        &format!(
            "New-CsPersistentChatAddin -Name {long} -Url https://example.com -PersistentChatPoolFqdn pool.example.com"
        ),
    )
    .code(15);
}

#[test]
fn i13_an_addin_in_use_goes_with_a_remark_and_rooms_lose_it() {
    let desk = desk();
    let again = || {
        line(&desk, "New-CsPersistentChatAddin -Name Quotes -Url https://example.com/q").code(0);
        line(&desk, "Set-CsPersistentChatRoom Help -Addin Quotes").code(0);
    };
    again();
    line(&desk, "Remove-CsPersistentChatAddin Quotes").code(3).says("no longer does");
    assert_eq!(one(&desk, "Get-CsPersistentChatRoom Help")["Addin"], Value::Null);
    again();
    let run = line(&desk, "Get-CsPersistentChatAddin | Remove-CsPersistentChatAddin -Force").code(0);
    assert!(!run.err.contains("no longer"), "{run:?}");
    assert!(objects(&desk, "Get-CsPersistentChatAddin").is_empty());
    assert_eq!(one(&desk, "Get-CsPersistentChatRoom Help")["Addin"], Value::Null);
}

#[test]
fn i14_global_settings_are_reset_and_never_removed() {
    let desk = desk();
    for (noun, set, property, default, changed) in [
        (
            "PersistentChatConfiguration",
            "-DefaultChatHistory 100",
            "DefaultChatHistory",
            Value::from(30),
            Value::from(100),
        ),
        (
            "PersistentChatComplianceConfiguration",
            "-RunInterval 00:30:00",
            "RunInterval",
            "00:15:00".into(),
            "00:30:00".into(),
        ),
        ("PersistentChatPolicy", "-EnablePersistentChat $True", "EnablePersistentChat", false.into(), true.into()),
    ] {
        assert_eq!(one(&desk, &format!("Get-Cs{noun} global"))[property], default, "{noun}");
        line(&desk, &format!("New-Cs{noun} -Identity global")).code(15).says("always exists");
        // Without an identity, the global ones are meant.
        line(&desk, &format!("Set-Cs{noun} {set}")).code(0);
        assert_eq!(one(&desk, &format!("Get-Cs{noun} -Identity Global"))[property], changed, "{noun}");
        line(&desk, &format!("Remove-Cs{noun} global")).code(0).says("cannot be removed");
        assert_eq!(one(&desk, &format!("Get-Cs{noun}"))[property], default, "{noun}");
    }
}

#[test]
fn i15_a_scope_is_made_once() {
    let desk = desk();
    for noun in ["PersistentChatConfiguration", "PersistentChatComplianceConfiguration", "PersistentChatPolicy"] {
        line(&desk, &format!("New-Cs{noun} site:Redmond")).code(0);
        line(&desk, &format!("New-Cs{noun} SITE:redmond")).code(15).says("already");
        assert_eq!(each(&desk, &format!("Get-Cs{noun} -Filter 'site:*'"), "Identity"), ["site:Redmond"]);
        line(&desk, &format!("Set-Cs{noun} site:Dublin")).code(10);
        line(&desk, &format!("Remove-Cs{noun} site:Redmond -WhatIf")).code(0);
        line(&desk, &format!("Remove-Cs{noun} site:Redmond")).code(0);
        line(&desk, &format!("Get-Cs{noun} site:Redmond")).code(10);
        line(&desk, &format!("Get-Cs{noun} site:Redmond -Filter x")).code(2).says("cannot be used together");
    }
    line(&desk, "New-CsPersistentChatConfiguration service:chat.example.com").code(0);
    line(&desk, "New-CsPersistentChatConfiguration service:PersistentChatServer:CHAT.example.com").code(15);
    line(&desk, "New-CsPersistentChatConfiguration Redmond").code(2).says("not a scope");
    line(&desk, "New-CsPersistentChatPolicy Traders").code(0);
    line(&desk, "New-CsPersistentChatPolicy tag:traders").code(15);
    line(&desk, "New-CsPersistentChatPolicy service:x").code(2);
}

#[test]
fn values_have_their_limits() {
    let desk = desk();
    for history in ["0", "501", "x"] {
        line(&desk, &format!("Set-CsPersistentChatConfiguration -DefaultChatHistory {history}")).code(2);
    }
    for (span, kept) in [
        ("00:01:00", Some("00:01:00")),
        ("30.00:00:00", Some("30.00:00:00")),
        ("1.2:3:4", Some("1.02:03:04")),
        ("0.00:30:00", Some("00:30:00")),
        ("00:00:59", None),
        ("30.00:00:01", None),
        ("31.00:00:00", None),
        ("25:00:00", None),
        ("15", None),
        ("-00:30:00", None),
        ("99999999999999999999:0:0", None),
    ] {
        let run = line(&desk, &format!("Set-CsPersistentChatComplianceConfiguration -RunInterval '{span}'"));
        match kept {
            Some(kept) => {
                run.code(0);
                assert_eq!(one(&desk, "Get-CsPersistentChatComplianceConfiguration")["RunInterval"], kept);
            }
            None => drop(run.code(15).says("must be from 00:01:00")),
        }
    }
    line(&desk, "Set-CsPersistentChatConfiguration -RoomManagementUrl 'file:///x'").code(15);
    line(&desk, "Set-CsPersistentChatConfiguration -RoomManagementUrl 'https://example.com/rooms'").code(0);
    line(&desk, "Set-CsPersistentChatConfiguration -RoomManagementUrl $Null").code(0);
    assert_eq!(one(&desk, "Get-CsPersistentChatConfiguration")["RoomManagementUrl"], Value::Null);
}

#[test]
fn i23_and_the_adapters_are_those_that_write_something() {
    let desk = desk();
    const LONG: &str = "Microsoft.Rtc.Internal.Chat.Server.Compliance.XmlAdapter,compliance";
    let adapter = || one(&desk, "Get-CsPersistentChatComplianceConfiguration")["AdapterType"].clone();
    assert_eq!(adapter(), LONG);
    line(&desk, "Set-CsPersistentChatComplianceConfiguration -AdapterType $Null").code(0);
    assert_eq!(adapter(), Value::Null);
    line(&desk, "Set-CsPersistentChatComplianceConfiguration -AdapterType xml").code(0);
    assert_eq!(adapter(), LONG);
    for vendor in ["Akonix", "assentor", "FaceTime"] {
        line(&desk, &format!("Set-CsPersistentChatComplianceConfiguration -AdapterType {vendor}"))
            .code(15)
            .says("vendor");
    }
    line(&desk, "New-CsPersistentChatComplianceConfiguration site:A -AdapterOutputDirectory /out/a").code(0);
    line(&desk, "New-CsPersistentChatComplianceConfiguration site:B -AdapterOutputDirectory /OUT/a/")
        .code(15)
        .says("already uses this AdapterOutputDirectory");
    line(&desk, "New-CsPersistentChatComplianceConfiguration site:B -AdapterOutputDirectory /out/b").code(0);
}

#[test]
fn objects_in_memory_are_stored_by_the_set_cmdlet() {
    let desk = desk();
    line(&desk, "New-CsPersistentChatConfiguration site:A -DefaultChatHistory 7 -InMemory").code(0);
    assert_eq!(each(&desk, "Get-CsPersistentChatConfiguration", "Identity"), ["global"]);
    line(&desk, "New-CsPersistentChatConfiguration site:A -DefaultChatHistory 7 -InMemory | Set-CsPersistentChatConfiguration -MaxFileSizeKB 5").code(0);
    let made = one(&desk, "Get-CsPersistentChatConfiguration site:A");
    assert_eq!((&made["DefaultChatHistory"], &made["MaxFileSizeKB"]), (&7.into(), &5.into()));
    // An object somebody has edited.
    let object = desk
        .args(&["New-CsPersistentChatPolicy -Identity P -InMemory", "--store", "@s.db", "--output", "json"])
        .code(0)
        .out;
    let object = object.replace("false", "true");
    desk.fed(&["Set-CsPersistentChatPolicy", "-Instance", "-", "--store", "@s.db"], Some(&object)).code(0);
    assert_eq!(one(&desk, "Get-CsPersistentChatPolicy P")["EnablePersistentChat"], true);
    line(&desk, "Get-CsPersistentChatPolicy | Set-CsPersistentChatPolicy -EnablePersistentChat $False").code(0);
    assert!(objects(&desk, "Get-CsPersistentChatPolicy").iter().all(|policy| policy["EnablePersistentChat"] == false));
}

#[test]
fn i16_i17_and_i18_what_is_nearer_holds() {
    let desk = desk();
    line(&desk, "Set-CsPersistentChatCategory IT -FileUpload $True -AllowedMembers sip:ken@example.com").code(0);
    let join = || desk.run("message join Help --user sip:ken@example.com --store @s.db").code;
    assert_eq!(join(), 16);
    line(&desk, "Set-CsPersistentChatPolicy -EnablePersistentChat $True").code(0);
    assert_eq!(join(), 0);
    line(&desk, "New-CsPersistentChatPolicy Nobody").code(0);
    line(&desk, "Grant-CsPersistentChatPolicy sip:ken@example.com Nobody").code(0);
    assert_eq!(join(), 16);
    // One that users have asks before it goes.
    line(&desk, "Remove-CsPersistentChatPolicy Nobody").code(18).says("1 user has this policy");
    line(&desk, "Remove-CsPersistentChatPolicy Nobody -Force").code(0);
    assert_eq!(join(), 0);
    assert!(desk.catalog("s.db").of("grant").next().is_none());
    line(&desk, "Grant-CsPersistentChatPolicy sip:ken@example.com Gone").code(10);
    // Settings of the pool before the global ones.
    let file = desk.write("file", vec![b'x'; 3000]);
    let upload = || {
        desk.args(&[
            "message",
            "upload",
            "Help",
            "--user",
            "ken@example.com",
            "--file",
            file.to_str().unwrap(),
            "--store",
            "@s.db",
        ])
        .code
    };
    line(&desk, "Set-CsPersistentChatConfiguration -MaxFileSizeKB 2").code(0);
    assert_eq!(upload(), 15);
    line(&desk, "New-CsPersistentChatConfiguration service:pool.example.com -MaxFileSizeKB 3").code(0);
    assert_eq!(upload(), 0);
    line(&desk, "Set-CsPersistentChatConfiguration -MaxFileSizeKB 20000").code(0);
    line(&desk, "Set-CsPersistentChatConfiguration service:pool.example.com -MaxFileSizeKB 1").code(0);
    assert_eq!(upload(), 15);
}

/// What the policy of a site says happens, and not only what it is.
#[test]
fn i16_the_policy_of_a_site_holds_for_its_people_unless_they_have_their_own() {
    let desk = desk();
    let both = "Set-CsPersistentChatCategory IT -AllowedMembers sip:ken@example.com,sip:pilar@example.com";
    line(&desk, both).code(0);
    // The site of a person comes from elsewhere; no command sets it.
    let ken = Record::new(&principal::SHAPE).with("Uri", "sip:ken@example.com").with("Site", "Redmond");
    put(&mut Sqlite::open(&desk.path("s.db")).unwrap(), &[ken]).unwrap();
    let join = |who: &str| desk.run(&format!("message join Help --user sip:{who}@example.com --store @s.db")).code;
    let codes = || (join("ken"), join("pilar"));
    assert_eq!(codes(), (16, 16));
    line(&desk, "New-CsPersistentChatPolicy site:redmond -EnablePersistentChat $True").code(0);
    assert_eq!(codes(), (0, 16));
    line(&desk, "New-CsPersistentChatPolicy Nobody").code(0);
    line(&desk, "Grant-CsPersistentChatPolicy sip:ken@example.com Nobody").code(0);
    assert_eq!(codes(), (16, 16));
    line(&desk, "Grant-CsPersistentChatPolicy sip:ken@example.com ''").code(0);
    assert_eq!(codes(), (0, 16));
    // The site forbids what is allowed to everybody else.
    line(&desk, "Set-CsPersistentChatPolicy -EnablePersistentChat $True").code(0);
    line(&desk, "Set-CsPersistentChatPolicy site:Redmond -EnablePersistentChat $False").code(0);
    assert_eq!(codes(), (16, 0));
    // Where a site has none, the global one holds.
    line(&desk, "Remove-CsPersistentChatPolicy site:Redmond").code(0);
    assert_eq!(codes(), (0, 0));
}

#[test]
fn i27_one_collection_of_active_servers() {
    let desk = desk();
    let set = |what: &str| line(&desk, &format!("Set-CsPersistentChatActiveServer {what}"));
    let servers = || {
        let found = desk.args(&["server", "get", "--store", "@s.db", "--output", "json"]).json()[0].clone();
        (found["ActiveServers"].clone(), found["InactiveServers"].clone())
    };
    set("-Identity PChatServerCollection -ActiveServers @{Add=\"a.example.com\",\"b.example.com\"}").code(0);
    set("-Identity global -ActiveServers @{Remove=\"A.example.com\"}").code(0);
    assert_eq!(servers(), (serde_json::json!(["b.example.com"]), serde_json::json!(["a.example.com"])));
    set("-Swap").code(0);
    assert_eq!(servers(), (serde_json::json!(["a.example.com"]), serde_json::json!(["b.example.com"])));
    set("-ActiveServers $Null").code(0);
    assert_eq!(servers().0, Value::Null);
    set("-ActiveServers a.example.com,b.example.com,c.example.com,d.example.com,e.example.com")
        .code(0)
        .says("at most 4");
    set("-Identity other -Swap").code(10);
    set("-Swap -ActiveServers a.example.com").code(2);
    set("").code(2);
    set("-ActiveServers 'a b'").code(2);
}

#[test]
fn i28_a_store_with_a_pool_that_is_failed_over_takes_no_changes() {
    let desk = desk();
    desk.lines("in.jsonl", &crate::harness::chat(1, 3));
    desk.run("message test --setup --user1 sip:a@example.com --user2 sip:b@example.com --store @s.db --target pool.example.com").code(0);
    let state = |state: &str| {
        line(&desk, &format!("Set-CsPersistentChatState -Identity service:pool.example.com -PoolState {state}")).code(0)
    };
    state("FailedOver");
    assert_eq!(
        each(&desk, "Get-CsPersistentChatState | Where-Object {$_.PoolState -eq 'FailedOver'}", "Identity"),
        ["PersistentChatServer:pool.example.com"]
    );
    for refused in [
        "import @in.jsonl",
        "purge --everything --yes",
        "room set Help --disabled true",
        "room new --name X --category IT",
        "category set IT --description x",
        "message join Help --user sip:a@example.com",
        "policy set --enable true",
        "case new X",
        "server set --swap",
    ] {
        desk.run(&format!("{refused} --store @s.db")).code(15).says("failed over");
    }
    desk.run("room set Help --disabled true --failed-over --store @s.db").code(0);
    for fine in ["room get", "store info", "store check", "audit get", "room set Help --description x --what-if"] {
        desk.run(&format!("{fine} --store @s.db")).code(0);
    }
    desk.run("export --out @x.zip --store @s.db").code(0);
    state("Normal");
    desk.run("import @in.jsonl --store @s.db").code(0);
    line(&desk, "Get-CsPersistentChatState -Filter '*.example.com'").code(0);
    line(&desk, "Get-CsPersistentChatState nowhere").code(10);
}

#[test]
fn endpoints_have_an_address_and_a_place_in_the_directory() {
    let desk = desk();
    let new = |rest: &str| {
        line(&desk, &format!("New-CsPersistentChatEndpoint -PersistentChatPoolFqdn pool.example.com {rest}"))
    };
    new("-SipAddress sip:chat@example.com -DisplayName Chat").code(0);
    for wrong in ["chat@example.com", "sip:chat", "sip:@example.com", "sip:a@b@example.com", "sip:chat@example"] {
        new(&format!("-SipAddress {wrong}")).code(15);
    }
    new("-SipAddress SIP:CHAT@example.com").code(15);
    let made = one(&desk, "Get-CsPersistentChatEndpoint");
    let dn = made["Identity"].as_str().unwrap().to_owned();
    assert!(
        dn.ends_with(",CN=Application Contacts,CN=RTC Service,CN=Services,CN=Configuration,DC=example,DC=com"),
        "{dn}"
    );
    new("-SipAddress sip:other@example.com -PassThru").code(0);
    for name in ["sip:chat@example.com", "Chat", "C*", &dn] {
        assert_eq!(
            each(&desk, &format!("Get-CsPersistentChatEndpoint -Identity '{name}'"), "DisplayName"),
            ["Chat"],
            "{name}"
        );
    }
    assert_eq!(objects(&desk, "Get-CsPersistentChatEndpoint -Filter {DisplayName -ne $Null}").len(), 1);
    line(&desk, "Get-CsPersistentChatEndpoint -PersistentChatPoolFqdn other").code(10).says("no pool \"other\"");
    assert_eq!(objects(&desk, "Get-CsPersistentChatEndpoint -ResultSize 1").len(), 1);
    line(&desk, "Get-CsPersistentChatEndpoint | Remove-CsPersistentChatEndpoint").code(0);
    assert!(objects(&desk, "Get-CsPersistentChatEndpoint").is_empty());
    line(&desk, "Remove-CsPersistentChatEndpoint sip:chat@example.com").code(10);
}

#[test]
fn i29_a_limit_of_updates_refuses_nobody() {
    let desk = desk();
    line(&desk, "Set-CsPersistentChatConfiguration -ParticipantUpdateLimit 0").code(0);
    line(&desk, "Set-CsPersistentChatPolicy -EnablePersistentChat $True").code(0);
    line(
        &desk,
        "Set-CsPersistentChatCategory IT -AllowedMembers DC=example,DC=com,sip:a@example.com,sip:b@example.com",
    )
    .code(0);
    for person in ["a", "b"] {
        desk.run(&format!("message join Help --user sip:{person}@example.com --store @s.db")).code(0);
    }
}

#[test]
fn what_holds_by_default_is_what_was_before() {
    let desk = desk();
    for (command, rows) in [
        ("state set --state FailedOver", 1),
        ("compliance set --run-interval 00:10:00", 1),
        ("configuration set --max-file-size-kb 7", 1),
        ("policy set --enable true", 1),
        ("server set --active-servers a.example.com", 1),
    ] {
        let run = desk.run(&format!("{command} --what-if --store @s.db --output json")).code(0);
        assert_eq!(run.json().as_array().unwrap().len(), rows, "{command}: {}", run.out);
    }
    let run = desk.run("state set --state FailedOver --what-if --store @s.db --output csv").code(0);
    assert!(run.out.contains("PoolState,Normal,FailedOver"), "{}", run.out);
}

#[test]
fn a_review_that_has_passed_is_told() {
    let desk = desk();
    desk.run("case new C --store @s.db").code(0);
    let new = "hold new H --case C --reason r --everything --yes-empty --review 1999-01-01 --store @s.db";
    desk.run(new).code(0).says("the date of the next review, \"1999-01-01\", has passed");
    desk.run("hold set H --review 1998-01-01 --store @s.db").code(0).says("has passed");
    desk.run("hold set H --reason more --timezone UTC --store @s.db").code(2).says("no date is given");
    let later = desk.run("hold set H --review 2998-01-01 --store @s.db").code(0);
    assert!(!later.err.contains("has passed"), "{}", later.err);
}

#[test]
fn an_adapter_is_given_what_it_can_do() {
    let desk = desk();
    for (option, value, says) in [
        ("--adapter-type", "1.5", "is not an adapter of pchat"),
        ("--adapter-type", "a.b\u{7}", "is not an adapter of pchat"),
        ("--custom-configuration", "nonsense", "has no stylesheet element"),
        ("--custom-configuration", "<xsl:stylesheet><xsl:import href='x'/></xsl:stylesheet>", "imports another"),
    ] {
        desk.args(&["compliance", "set", option, value, "--store", "@s.db"]).code(15).says(says);
    }
    // What an adapter of somebody else is told is for that one to understand.
    let foreign = ["compliance", "set", "--adapter-type", "Contoso.Adapter,x", "--custom-configuration", "nonsense"];
    desk.args(&[&foreign[..], &["--store", "@s.db"]].concat()).code(0);
}
