//! Rows of SQL Server: what is written is read, cut anywhere is refused, and no way of reading is guessed.

use pchat::formats::Remarks;
use pchat::formats::sqlserver::encode::put;
use pchat::formats::sqlserver::given::{Asked, Given};
use pchat::formats::sqlserver::known::{self, Dialect, Known};
use pchat::formats::sqlserver::layout::{Field, Layout};
use pchat::formats::sqlserver::pages::Page;
use pchat::formats::sqlserver::settle::{Unsettled, settle};
use pchat::formats::sqlserver::types::Type;
use pchat::formats::sqlserver::value::Value;
use pchat::formats::sqlserver::{grid, model, script};
use proptest::prelude::*;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;

fn table(name: &str) -> &'static Known {
    known::table(name).unwrap().0
}

fn text(text: &str) -> Value<'static> {
    Value::Text(Cow::Owned(text.to_owned()))
}

/// The rows, or what is wrong with the first that is.
fn read<'a>(layout: &Layout, bytes: &'a [u8]) -> Result<Vec<Vec<Value<'a>>>, &'static str> {
    let (_, end) = layout.whole(bytes).map_err(|(_, wrong)| wrong.fault.0)?;
    if end != bytes.len() {
        return Err("cut");
    }
    let mut rows = Vec::new();
    layout.rows::<&str>(bytes, &mut |row| {
        rows.push(row.map_err(|wrong| wrong.fault.0)?.to_vec());
        Ok(())
    })?;
    Ok(rows)
}

fn write(layout: &Layout, rows: &[Vec<Value<'_>>]) -> Vec<u8> {
    let mut out = Vec::new();
    for row in rows {
        for (field, value) in layout.fields.iter().zip(row) {
            assert!(put(&mut out, field, value), "{field:?} cannot hold {value:?}");
        }
    }
    out
}

/// Six messages with everything that breaks files of characters.
fn messages() -> Vec<Vec<Value<'static>>> {
    let at = 635_689_369_311_234_560;
    let said = ["plain", "two\r\nlines, a\ttab and it's \"so\"", "", "zürich € \u{1F600}", "NULL", "last"];
    let rtf = [Value::Null, text("{\\rtf1 two}"), Value::Null, text(""), Value::Null, Value::Null];
    let row = |(number, (said, rtf)): (i64, (&str, Value<'static>))| {
        let alert = Value::Bit(number == 2);
        vec![Value::Int(3), Value::Int(number), Value::Int(at + number), Value::Int(5), alert, text(said), rtf]
    };
    (1..).zip(said.into_iter().zip(rtf)).map(row).collect()
}

#[test]
fn values_have_the_bytes_of_the_documents() {
    let field = |kind, prefix| Field::native("a", kind, true, prefix, Page::Wide);
    for (field, bytes, value) in [
        (field(Type::Int(8), 1), &b"\xFF"[..], Value::Null),
        (field(Type::Int(8), 1), b"\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", Value::Int(i64::MAX)),
        (field(Type::Text, 2), b"\x04\0K\0I\0", text("KI")),
        (field(Type::Text, 2), b"\0\0", text("")),
        (field(Type::Text, 8), b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", Value::Null),
        (field(Type::Date, 1), b"\x03\xA1\xC3\x09", Value::Time(0)),
        (field(Type::DateTime, 1), b"\x08\xF0\x94\0\0\x2D\xA0\xED\0", Value::Time(0)),
    ] {
        let layout = Layout { fields: vec![field.clone()], lone_line_ends: false };
        let found = read(&layout, bytes).unwrap().remove(0).remove(0);
        match (field.kind, value) {
            (Type::DateTime, _) => {
                assert_eq!(found.time().unwrap().unwrap().to_string(), "2004-05-23T14:25:10.123Z");
            }
            (Type::Date, _) => assert!(found.time().unwrap().unwrap().to_string().ends_with("T00:00:00Z")),
            (_, value) => assert_eq!(found, value),
        }
        assert_eq!(write(&layout, &[vec![found]]), bytes);
    }
}

#[test]
fn values_in_pieces_are_joined() {
    let layout = Layout { fields: vec![Field::native("a", Type::Text, true, 8, Page::Wide)], lone_line_ends: false };
    let mut bytes =
        vec![0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0, 0, 0, b'a', 0, 3, 0, 0, 0, b'b', 0, b'c'];
    bytes.extend([1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(read(&layout, &bytes).unwrap(), [[text("abc")]]);
    for end in 0..bytes.len() {
        assert!(read(&layout, &bytes[..end]).is_err() || end == 0, "{end}");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let one = |kind, prefix| Layout {
        fields: vec![Field::native("a", kind, false, prefix, Page::Wide)],
        lone_line_ends: false,
    };
    let no_day = [&[1][..], &i32::MAX.to_le_bytes()].concat();
    for (layout, bytes) in [
        (one(Type::Bit, 1), &[1, 2][..]),
        (one(Type::Int(4), 1), &[3, 0, 0, 0]),
        (one(Type::Int(4), 1), &[255]),
        (one(Type::Guid, 1), &[15; 16]),
        (one(Type::Text, 2), &[1, 0, 65]),
        (one(Type::Text, 2), &[2, 0, 0, 0xD8]),
        (one(Type::Text, 8), &[0xFD, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
        (one(Type::Text, 8), &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
        (one(Type::DateTime, 0), &[0, 0, 0, 0, 0x00, 0x83, 0x8B, 0x01]),
        (one(Type::Date, 0), &[0xFF, 0xFF, 0xFF]),
        (one(Type::Decimal, 1), &[19, 5, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (one(Type::Decimal, 1), &[19, 5, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (one(Type::Int(4), 1), &no_day),
    ] {
        assert!(read(&layout, bytes).is_err(), "{:?} took {bytes:?}", layout.fields[0].kind);
    }
}

#[test]
fn rows_cut_anywhere_are_refused() {
    let layout = table("tblChat").native(Dialect::PersistentChat, 1, Page::Wide, false);
    let bytes = write(&layout, &messages());
    let ends: Vec<usize> = (0..=6).map(|rows| write(&layout, &messages()[..rows]).len()).collect();
    for end in 0..=bytes.len() {
        assert_eq!(read(&layout, &bytes[..end]).is_ok(), ends.contains(&end), "{end}");
    }
}

#[test]
fn forms_of_bcp_are_told_apart() {
    let chat = table("tblChat");
    for (bit, page) in [(0, Page::Wide), (1, Page::Wide), (0, Page::Unsaid), (1, Page::Unsaid)] {
        let layout = chat.native(Dialect::PersistentChat, bit, page, false);
        let bytes = write(&layout, &messages());
        let found = settle(chat, Dialect::PersistentChat, &bytes, true, Page::Unsaid).unwrap();
        assert_eq!(read(&found.layout, &bytes).unwrap(), messages(), "{bit} {page:?}");
        assert!(settle(chat, Dialect::PersistentChat, &bytes[..bytes.len() - 1], true, Page::Unsaid).is_err());
    }
    let lines = |said: &str| format!("3\t1\t635689369311234560\t5\t0\t{said}\t\r\n");
    let good = lines("\0") + &lines("zürich");
    let wide: Vec<u8> = format!("\u{feff}{good}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [good.as_bytes(), &wide] {
        let found = settle(chat, Dialect::PersistentChat, bytes, true, Page::Unsaid).unwrap();
        let rows = read(&found.layout, &bytes[found.skip..]).unwrap();
        assert_eq!((&rows[0][5], &rows[1][5], &rows[0][6]), (&text(""), &text("zürich"), &Value::Null));
    }
    for broken in ["a\ttab", "two\r\nlines"] {
        let bytes = lines("first") + &lines(broken) + &lines("last");
        let found = settle(chat, Dialect::PersistentChat, bytes.as_bytes(), true, Page::Unsaid);
        assert_eq!(found.unwrap_err(), Unsettled::Broken, "{broken:?}");
    }
    assert_eq!(settle(chat, Dialect::PersistentChat, b"nothing", true, Page::Unsaid), Err(Unsettled::None));
    let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    for bytes in [big(&good), big(&format!("\u{feff}{good}"))] {
        assert_eq!(settle(chat, Dialect::PersistentChat, &bytes, true, Page::Unsaid), Err(Unsettled::Swapped));
    }
    for separator in [',', ';', '|'] {
        let values = ["3", "1", "635689369311234560", "5", "0", "\"said\"", ""].join(&separator.to_string());
        let found = settle(chat, Dialect::PersistentChat, values.as_bytes(), true, Page::Unsaid);
        assert_eq!(found, Err(Unsettled::Nameless(separator)));
    }
}

/// Rows that a script gives.
fn rows_of_script(text: impl AsRef<[u8]>) -> Result<Vec<Given>, String> {
    let mut rows = Vec::new();
    let asked = Asked { place: "s.sql", table: None, page: Page::Unsaid, most: 1 << 20 };
    let mut others = HashMap::new();
    let read = script::each(&mut text.as_ref(), &asked, &mut Remarks::default(), &mut others, &mut |row| {
        rows.push(row);
        Ok(ControlFlow::Continue(()))
    });
    read.map(|()| rows).map_err(|error| error.to_string())
}

const COLUMNS: &str = "[channelId], [chatId], [chatDate], [userId], [isAlert], [content], [rtf]";

#[test]
fn scripts_are_read_and_nothing_is_executed() {
    let insert = |values: &str| format!("INSERT INTO [dbo].[tblChat] ({COLUMNS}) VALUES {values}\r\n");
    let all = format!(
        "SET NOCOUNT ON\r\nGO\r\n/* a /* nested */ comment */ print 'x'\r\n{}GO\r\n{}",
        insert("(3, 1, 635689369311234560, 5, 0, N'it''s\r\nGO\r\nall text -- of /* one', NULL)"),
        insert("(3, 2, CAST(635689369311234560 AS BigInt), 5, CONVERT([bit], 1), N'', '{}'), (3,3,1,5,0,N'b',NULL);")
    );
    let rows = rows_of_script(&all).unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0].values[5], text("it's\r\nGO\r\nall text -- of /* one"));
    assert_eq!((rows[1].values[4].bit(), &rows[1].values[5]), (Ok(Some(true)), &text("")));
    for wrong in [
        insert("(3, 1, 2, 5, 0, N'open, NULL)"),
        insert("(3, 1, GETDATE(), 5, 0, N'', NULL)"),
        insert("(3, 1, 2, 5, 0, @text, NULL)"),
        insert("(3, 1, 2, 5, 0, N'')"),
        insert("(3, 1, CAST(0x0000A69000AA4A58 AS Date), 5, 0, N'', NULL)"),
        "EXEC xp_cmdshell 'x'".to_owned(),
        "DROP TABLE tblChat".to_owned(),
        format!("INSERT tblChat ({COLUMNS}) SELECT * FROM x"),
        "INSERT tblChat (channelId) VALUES (1)".to_owned(),
        "/* open".to_owned(),
    ] {
        assert!(rows_of_script(&wrong).is_err(), "{wrong}");
    }
}

/// Text as UTF-16 without a byte order mark, as `sqlcmd -u` writes it.
fn unmarked(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_statement_that_ends_with_its_line_swallows_no_row() {
    let row = |n: u8| format!("INSERT dbo.tblChat ({COLUMNS}) VALUES (3, {n}, 1, 5, 0, NULL, NULL)");
    for before in [
        "GO",
        "go",
        "GO 1",
        "GO -- it's",
        "USE [mgc];",
        "USE mgc",
        "SET NOCOUNT ON",
        "SET DATEFORMAT ymd",
        "SET IDENTITY_INSERT [dbo].[tblChat] ON /* it's */",
        "SET TEXTSIZE 2147483647",
        "SET NOCOUNT ON;",
    ] {
        let text = format!("{before}\r\n{}\r\nGO", row(1));
        assert_eq!(rows_of_script(&text).map(|rows| rows.len()), Ok(1), "{before}");
        assert_eq!(rows_of_script(unmarked(&text)).map(|rows| rows.len()), Ok(1), "{before}");
    }
    // What follows in the same line is not passed over, and what is to be done five times is no one row.
    for before in [
        "SET NOCOUNT ON ",
        "SET NOCOUNT ON\t",
        "USE mgc ",
        "GO ",
        "SET IDENTITY_INSERT [dbo].[tblNode] OFF ",
        "SET DATEFORMAT ymd ",
    ] {
        assert!(rows_of_script(format!("{before}{}\r\n", row(1))).is_err(), "{before}");
    }
    for wrong in ["GO 5", "GO 0", "SET NOCOUNT ON DELETE FROM tblChat", "USE mgc DROP TABLE x", "SET LANGUAGE 'x'"] {
        assert!(rows_of_script(format!("{}\r\n{wrong}\r\n", row(1))).is_err(), "{wrong}");
    }
    // Comments stand anywhere, and a schema may be left out.
    let odd = row(1).replace("dbo.tblChat", "mgc..tblChat").replace("VALUES (", "VALUES (/* a */ ");
    assert_eq!(rows_of_script(odd).map(|rows| rows.len()), Ok(1));
    let odd = row(1).replace("VALUES (3, 1,", "VALUES (-- the room\n3 -- it's\r\n, -- the number\n-1,");
    assert_eq!(rows_of_script(odd).map(|rows| rows[0].values[1].clone()), Ok(Value::Int(-1)));
}

#[test]
fn rows_of_a_transaction_are_taken_when_it_is_committed() {
    let row = format!("INSERT dbo.tblChat ({COLUMNS}) VALUES (3, 1, 1, 5, 0, NULL, NULL)\n");
    for (begin, end) in [("BEGIN TRAN\n", "COMMIT"), ("begin transaction;", "commit tran;\nGO\n")] {
        let one = format!("{begin}{row}{end}\n");
        assert_eq!(rows_of_script(one.repeat(2)).map(|rows| rows.len()), Ok(2), "{one}");
        for wrong in [format!("{begin}{row}"), format!("{one}{begin}"), format!("{begin}{row}ROLLBACK\n")] {
            assert!(rows_of_script(&wrong).is_err(), "{wrong}");
        }
    }
    for wrong in ["BEGIN\n", "BEGIN TRY\n", "COMMIT WORK\n", "BEGIN TRAN DELETE\n", "BEGIN TRAN; DROP TABLE x; COMMIT"]
    {
        assert!(rows_of_script(format!("{row}{wrong}")).is_err(), "{wrong}");
    }
}

#[test]
fn what_sqlcmd_adds_to_texts_is_not_taken_for_them() {
    let widths = [11, 20, 20, 11, 7, 12, 8];
    let line = |cells: [&str; 7]| -> String {
        let numbers = [0, 1, 2, 3, 4];
        let pad = |(at, (cell, width)): (usize, (&str, usize))| match numbers.contains(&at) {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        };
        let cells: Vec<String> = cells.into_iter().zip(widths).enumerate().map(pad).collect();
        format!("{}\r\n", cells.join(","))
    };
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let head =
        line(["channelId", "chatId", "chatDate", "userId", "isAlert", "content", "rtf"]) + &rules.join(",") + "\r\n";
    let row = |text: &str, rtf: &str| line(["3", "1", "635689369311234560", "5", "0", text, rtf]);
    let file = format!("{head}{}{}\r\n(2 rows affected)\r\n", row("two words", "NULL"), row("", "{x}"));
    for bytes in [file.clone().into_bytes(), unmarked(&file), format!("\u{feff}{file}").into_bytes()] {
        let rows = rows_of_csv(bytes, ',').unwrap();
        let said: Vec<_> = rows.iter().map(|row| (row.values[5].clone(), row.values[6].clone())).collect();
        assert_eq!(said, [(text("two words"), Value::Null), (text(""), text("{x}"))]);
        assert_eq!(rows[0].values[1].int(), Ok(Some(1)));
    }
    for wrong in [
        // As long as the column: cut, for all that anybody can say.
        format!("{head}{}", row("twelve chars", "NULL")),
        // Another width in the middle of the file.
        format!("{head}{}3,2,635689369311234560,5,0,short,NULL\r\n", row("two words", "NULL")),
    ] {
        assert!(rows_of_csv(&wrong, ',').is_err(), "{wrong}");
    }
    // With -W nothing is added.
    let bare = "channelId,chatId,chatDate,userId,isAlert,content,rtf\r\n---,---,---,---,---,---,---\r\n\
                        3,1,635689369311234560,5,0,a text that is longer,NULL\r\n";
    assert_eq!(rows_of_csv(bare, ',').unwrap()[0].values[5], text("a text that is longer"));
}

#[test]
fn line_ends_and_quotes_of_texts_are_not_those_of_the_file() {
    let head = "channelId,chatId,chatDate,userId,isAlert,content";
    let row = |n: u8, said: &str| format!("3,{n},635689369311234560,5,0,{said}\r\n");
    let rule = "---,---,---,---,---,---";
    let foot = "\r\n(2 rows affected)\r\n";
    // The first text ends with a line end, or the second does.
    let texts = [["a\r\n", "b"], ["a", "b\r\n"], ["a\r\n\r\n", "b"]];
    for [first, second] in texts {
        let rows = row(1, first) + &row(2, second);
        assert!(rows_of_csv(format!("{head}\r\n{rows}"), ',').is_err(), "{rows:?}");
        assert!(rows_of_csv(format!("{head}\r\n{rule}\r\n{rows}{foot}"), ',').is_err(), "{rows:?}");
    }
    let rows = row(1, "a") + &row(2, "b");
    assert_eq!(rows_of_csv(format!("{head}\r\n{rule}\r\n{rows}{foot}"), ',').unwrap().len(), 2);
    assert_eq!(rows_of_csv(format!("{head}\r\n{}\r\n", row(1, "\"a\"")), ',').unwrap().len(), 1);
    // Quotes around all texts or around those that need them are of the file; around some others, of nobody knows.
    for (rows, fits) in [
        (row(1, "\"a\"") + &row(2, "\"b\""), true),
        (row(1, "\"a,b\"") + &row(2, "b"), true),
        (row(1, "\"a\"") + &row(2, "b"), false),
        (row(1, "\"a,b\"") + &row(2, "\"c\"") + &row(3, "d"), false),
    ] {
        assert_eq!(rows_of_csv(format!("{head}\r\n{rows}"), ',').is_ok(), fits, "{rows:?}");
    }
    for length in [256, 8_192, 32_767, 43_679, 65_535] {
        assert!(rows_of_csv(format!("{head}\r\n{}", row(1, &"x".repeat(length))), ',').is_err(), "{length}");
    }
}

fn rows_of_csv(text: impl AsRef<[u8]>, separator: char) -> Result<Vec<Given>, String> {
    let mut rows = Vec::new();
    let asked = Asked { place: "c.csv", table: None, page: Page::Unsaid, most: 1 << 20 };
    let read = grid::each(&mut text.as_ref(), separator, &asked, &mut Remarks::default(), &mut |row| {
        rows.push(row);
        Ok(ControlFlow::Continue(()))
    });
    read.map(|()| rows).map_err(|error| error.to_string())
}

#[test]
fn csv_that_may_be_cut_is_refused() {
    let head = "channelId,chatId,chatDate,userId,isAlert,content,rtf";
    let row = |said: &str| format!("3,1,635689369311234560,5,0,{said},NULL\r\n");
    let rows = rows_of_csv(format!("\u{feff}{head}\r\n{}{}", row("\"a \"\"b\"\",\r\nc\""), row("NULL")), ',').unwrap();
    assert_eq!((&rows[0].values[5], &rows[0].values[6]), (&text("a \"b\",\r\nc"), &Value::Null));
    assert_eq!(rows[1].values[5], text("NULL"));
    let rule = "---,---,---,---,---,---,---";
    let console = format!("{head}\r\n{rule}\r\n{}\r\n(1 rows affected)\r\n", row("plain"));
    assert_eq!(rows_of_csv(&console, ',').unwrap().len(), 1);
    for wrong in [
        format!("{head}\r\n{}", row(&"x".repeat(256))),
        format!("{head}\r\n{}{}", row(&"x".repeat(300)), row(&"y".repeat(300))),
        format!("{head}\r\n{}", row("a,b")),
        format!("{head}\r\n{}", row("\"open")),
        console.replace("(1 rows", "(2 rows"),
        format!("{console}{}", row("after the end")),
        "a,b\r\n1,2\r\n".to_owned(),
    ] {
        assert!(rows_of_csv(&wrong, ',').is_err(), "{wrong}");
    }
}

fn model_of(columns: &str) -> Result<model::Model, pchat::error::Error> {
    let xml = format!(
        "<DataSchemaModel><Model><Element Type=\"SqlUserDefinedDataType\" Name=\"[dbo].[Flag]\"><Relationship \
         Name=\"Type\"><Entry><References ExternalSource=\"BuiltIns\" Name=\"[bit]\"/></Entry></Relationship></Element>\
         <Element Type=\"SqlTable\" Name=\"[dbo].[a]].b]\"><Relationship Name=\"Columns\">{columns}</Relationship>\
         </Element></Model></DataSchemaModel>"
    );
    model::read(&mut xml.as_bytes(), "model.xml")
}

fn column(name: &str, kind: &str, more: &str) -> String {
    let own = if kind.contains("dbo") { "" } else { " ExternalSource=\"BuiltIns\"" };
    format!(
        "<Entry><Element Type=\"SqlSimpleColumn\" Name=\"[dbo].[t].[{name}]\">{more}<Relationship \
         Name=\"TypeSpecifier\"><Entry><Element Type=\"SqlTypeSpecifier\"><Relationship Name=\"Type\"><Entry>\
         <References{own} Name=\"{kind}\"/></Entry></Relationship></Element></Entry></Relationship></Element></Entry>"
    )
}

#[test]
fn models_say_how_rows_are_written() {
    let not_null = "<Property Name=\"IsNullable\"><Value><![CDATA[False]]></Value></Property>";
    let columns = [column("a", "[int]", not_null), column("b", "[int]", ""), column("f", "[dbo].[Flag]", not_null)];
    let computed = "<Entry><Element Type=\"SqlComputedColumn\" Name=\"[dbo].[t].[c]\"/></Entry>";
    let model = model_of(&(columns.concat() + computed)).unwrap();
    assert_eq!(model.tables[0].name, "a].b");
    let prefixes: Vec<u8> = model.tables[0].layout.as_ref().unwrap().fields.iter().map(|field| field.prefix).collect();
    assert_eq!(prefixes, [0, 1, 1]);
    for odd in [column("a", "[hierarchyid]", ""), column("a", "[dbo].[Gone]", ""), columns[0].repeat(2), String::new()]
    {
        assert!(model_of(&odd).unwrap().tables[0].layout.is_err(), "{odd}");
    }
    for broken in ["<!DOCTYPE a><DataSchemaModel/>", "<Other/>", "", "<DataSchemaModel><Model>"] {
        assert!(model::read(&mut broken.as_bytes(), "model.xml").is_err(), "{broken}");
    }
    let deep = format!("<DataSchemaModel>{}", "<a>".repeat(300));
    assert!(model::read(&mut deep.as_bytes(), "model.xml").is_err());
}

/// A field of any type, with values it can hold.
fn field() -> impl Strategy<Value = (Field, Vec<Value<'static>>)> {
    let ticks = 599_266_080_000_000_000i64..3_000_000_000_000_000_000;
    let whole = |ticks: i64| Value::Time(ticks / 10_000_000 * 10_000_000);
    let kinds = prop_oneof![
        any::<i32>().prop_map(|n| (Type::Int(4), Value::Int(n.into()))),
        any::<i64>().prop_map(|n| (Type::Int(8), Value::Int(n))),
        any::<u8>().prop_map(|n| (Type::Int(1), Value::Int(n.into()))),
        any::<bool>().prop_map(|is| (Type::Bit, Value::Bit(is))),
        any::<[u8; 16]>()
            .prop_map(|bytes| { (Type::Guid, Value::Guid(pchat::formats::sqlserver::value::guid_text(&bytes))) }),
        ticks.clone().prop_map(|at| (Type::DateTime2(7), Value::Time(at))),
        ticks.clone().prop_map(move |at| (Type::DateTime, whole(at))),
        ticks.prop_map(|at| (Type::Date, Value::Time(at / 864_000_000_000 * 864_000_000_000))),
        "\\PC{0,12}".prop_map(|said| (Type::Text, text(&said))),
        proptest::collection::vec(any::<u8>(), 0..12).prop_map(|b| (Type::Binary, Value::Bytes(Cow::Owned(b)))),
        any::<i32>().prop_map(|n| (Type::Money(8), text(&format!("{n}.0000")))),
        any::<u32>().prop_map(|n| (Type::Decimal, text(&format!("{n}.25")))),
    ];
    (kinds, any::<bool>(), 0u8..2, 1usize..4).prop_map(|((kind, value), nullable, wide, rows)| {
        let prefix = match kind {
            Type::Text | Type::Binary => {
                if wide == 0 {
                    2
                } else {
                    8
                }
            }
            Type::Guid | Type::Decimal | Type::Bit => 1,
            _ => u8::from(nullable),
        };
        let mut values = vec![value; 3];
        if nullable {
            values[rows - 1] = Value::Null;
        }
        (Field::native("f", kind, nullable, prefix, Page::Wide), values)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(fields in proptest::collection::vec(field(), 1..8)) {
        let layout = Layout { fields: fields.iter().map(|(field, _)| field.clone()).collect(), lone_line_ends: false };
        let rows: Vec<Vec<Value<'_>>> =
            (0..3).map(|row| fields.iter().map(|(_, values)| values[row].clone()).collect()).collect();
        let bytes = write(&layout, &rows);
        prop_assert_eq!(&read(&layout, &bytes).unwrap(), &rows);
        // A table may be cut between any two rows.
        let first = write(&layout, &rows[..1]).len();
        let mut parts = read(&layout, &bytes[..first]).unwrap();
        parts.extend(read(&layout, &bytes[first..]).unwrap());
        prop_assert_eq!(parts, rows);
    }

    #[test]
    fn any_bytes_come_back_as_rows_or_as_an_error(fields in proptest::collection::vec(field(), 1..5),
                                                  bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let layout = Layout { fields: fields.into_iter().map(|(field, _)| field).collect(), lone_line_ends: false };
        let _ = read(&layout, &bytes);
        let _ = settle(table("tblChat"), Dialect::PersistentChat, &bytes, true, Page::Unsaid);
    }
}
