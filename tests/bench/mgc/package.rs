//! A package of a data tier that is being written: rows in parts, and at the end the model and where it comes from.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

const NAMESPACE: &str = "http://schemas.microsoft.com/sqlserver/dac/Serialization/2012/02";

/// A column: name, type, and whether it may be missing.
pub(crate) type Column = (&'static str, &'static str, bool);

/// A package that is being written.
pub(crate) struct Package {
    zip: ZipWriter<BufWriter<File>>,
    rows: u64,
    pub(crate) tables: Vec<(&'static str, &'static [Column])>,
}

impl Package {
    pub(crate) fn new(path: &str) -> std::io::Result<Package> {
        let zip = ZipWriter::new(BufWriter::with_capacity(1 << 20, File::create(path)?));
        Ok(Package { zip, rows: 0, tables: Vec::new() })
    }

    fn file(&mut self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(3))
            .last_modified_time(DateTime::default());
        self.zip.start_file(name, options)?;
        self.zip.write_all(bytes)
    }

    pub(crate) fn part(&mut self, table: &str, part: u64, rows: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.rows += rows;
        self.file(&format!("Data/dbo.{table}/TableData-{part:03}-00000.BCP"), bytes)
    }

    pub(crate) fn table(
        &mut self,
        name: &'static str,
        columns: &'static [Column],
        rows: u64,
        bytes: &[u8],
    ) -> std::io::Result<()> {
        self.tables.push((name, columns));
        if rows > 0 { self.part(name, 0, rows, bytes) } else { Ok(()) }
    }

    pub(crate) fn finish(mut self, name: &str) -> std::io::Result<()> {
        let model = model(&self.tables);
        let sum: String = Sha256::digest(model.as_bytes()).iter().map(|byte| format!("{byte:02X}")).collect();
        self.file("model.xml", model.as_bytes())?;
        self.file(
            "DacMetadata.xml",
            format!("<DacType xmlns=\"{NAMESPACE}\"><Name>{name}</Name></DacType>").as_bytes(),
        )?;
        let types = "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>";
        self.file("[Content_Types].xml", types.as_bytes())?;
        let tables: Vec<String> = self.tables.iter().map(|(name, _)| format!("dbo.{name}")).collect();
        let origin = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<DacOrigin xmlns=\"{NAMESPACE}\"><PackageProperties>\
             <Version>3.1.0.0</Version><ContainsExportedData>true</ContainsExportedData><StreamVersions>\
             <Version StreamName=\"Data\">2.0.0.0</Version></StreamVersions></PackageProperties><Operation>\
             <ProductName>made for tests</ProductName><ProductVersion>1</ProductVersion></Operation><ExportStatistics>\
             <TableRowCountTotalTag>{}</TableRowCountTotalTag></ExportStatistics><Checksums>\
             <Checksum Uri=\"/model.xml\">{sum}</Checksum></Checksums><DataPhaseTables>{}</DataPhaseTables></DacOrigin>",
            self.rows,
            tables.join(",")
        );
        self.file("Origin.xml", origin.as_bytes())?;
        self.zip.finish()?.flush()
    }
}

fn model(tables: &[(&str, &[Column])]) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<DataSchemaModel FileFormatVersion=\"1.2\" SchemaVersion=\"2.6\" \
         DspName=\"Microsoft.Data.Tools.Schema.Sql.Sql120DatabaseSchemaProvider\" xmlns=\"{NAMESPACE}\">\n<Model>\n\
         <Element Type=\"SqlDatabaseOptions\"><Property Name=\"Collation\" Value=\"SQL_Latin1_General_CP1_CI_AS\"/>\
         </Element>\n"
    );
    for (table, columns) in tables {
        let _ = writeln!(out, "<Element Type=\"SqlTable\" Name=\"[dbo].[{table}]\"><Relationship Name=\"Columns\">");
        for (name, kind, nullable) in *columns {
            let (base, size) = kind.split_once('(').unwrap_or((kind, ""));
            let size = match size.trim_end_matches(')') {
                "" => String::new(),
                "max" => "<Property Name=\"IsMax\" Value=\"True\"/>".to_owned(),
                size => format!("<Property Name=\"Length\" Value=\"{size}\"/>"),
            };
            let null = if *nullable { "" } else { "<Property Name=\"IsNullable\" Value=\"False\"/>" };
            let _ = writeln!(
                out,
                "<Entry><Element Type=\"SqlSimpleColumn\" Name=\"[dbo].[{table}].[{name}]\">{null}<Relationship \
                 Name=\"TypeSpecifier\"><Entry><Element Type=\"SqlTypeSpecifier\">{size}<Relationship Name=\"Type\">\
                 <Entry><References ExternalSource=\"BuiltIns\" Name=\"[{base}]\"/></Entry></Relationship></Element>\
                 </Entry></Relationship></Element></Entry>"
            );
        }
        out.push_str("</Relationship></Element>\n");
    }
    out.push_str("</Model></DataSchemaModel>");
    out
}
