//! The tables that are known, with their columns in the published order, and the names they had in Group Chat 2010.
//! The order counts only for files that bring nothing that says theirs; everywhere else names decide.

use super::layout::{Field, Layout};
use super::pages::Page;
use super::types::Type;

/// A table that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// Columns with their types; `?` marks those that may be missing, `!` those without which a row means nothing.
    pub columns: &'static [(&'static str, &'static str)],
}

/// Which product's tables they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// Lync Server 2013 and Skype for Business Server.
    PersistentChat,
    /// Group Chat of OCS and Lync Server 2010: no `tbl`, categories in categories.
    GroupChat,
}

/// The messages.
pub const CHAT: &str = "tblChat";
/// Rooms and categories.
pub const NODE: &str = "tblNode";
/// People and groups.
pub const PRINCIPAL: &str = "tblPrincipal";
/// What the compliance service has not fetched.
pub const QUEUE: &str = "tblComplianceData";
/// Who came and went.
pub const PARTICIPANT: &str = "tblComplianceParticipant";

/// The tables of which something is taken.
pub const KNOWN: &[Known] = &[
    Known {
        name: CHAT,
        columns: &[
            ("channelId", "int!"),
            ("chatId", "bigint!"),
            ("chatDate", "bigint!"),
            ("userId", "int!"),
            ("isAlert", "bit"),
            ("content", "nvarchar(max)!"),
            ("rtf", "varchar(max)?"),
        ],
    },
    Known {
        name: NODE,
        columns: &[
            ("nodeID", "int!"),
            ("nodeGuid", "uniqueidentifier!"),
            ("parentID", "int?!"),
            ("nodeType", "bit!"),
            ("nodeName", "nvarchar(256)!"),
            ("nodeDesc", "nvarchar(256)"),
            ("invite", "bit?"),
            ("logged", "bit?"),
            ("filePost", "bit?"),
            ("disabled", "bit"),
            ("behavior", "smallint"),
            ("visibility", "smallint"),
            ("siopID", "uniqueidentifier?"),
            ("nodeAddedBy", "int"),
            ("nodeAddedOn", "bigint"),
            ("nodeUpdatedBy", "int"),
            ("nodeUpdatedOn", "bigint"),
            ("purgedOn", "datetime?"),
        ],
    },
    Known {
        name: PRINCIPAL,
        columns: &[
            ("prinID", "int!"),
            ("prinGuid", "uniqueidentifier!"),
            ("prinUri", "nvarchar(256)!"),
            ("prinName", "nvarchar(256)?"),
            ("prinDisplayName", "nvarchar(256)?"),
            ("prinCompanyName", "nvarchar(256)?"),
            ("prinEmail", "nvarchar(256)?"),
            ("prinADPath", "nvarchar(384)?"),
            ("prinADUserPrincipalName", "nvarchar(256)?"),
            ("prinDisabled", "smallint"),
            ("prinTypeID", "smallint"),
            ("prinPoolID", "int?"),
            ("prinPolicyID", "int?"),
            ("prinAddedBy", "int?"),
            ("prinAddedOn", "bigint"),
            ("prinUpdatedBy", "int?"),
            ("prinUpdatedOn", "bigint"),
            ("prinVerifiedOn", "datetime"),
        ],
    },
    Known {
        name: "tblPrincipalRole",
        columns: &[
            ("prinRoleNodeID", "int!"),
            ("prinRolePrinID", "int!"),
            ("prinRoleTypeID", "int!"),
            ("prinRoleUpdatedBy", "int"),
        ],
    },
    Known {
        name: "tblRoleType",
        columns: &[("rtypeID", "int!"), ("rtypeDesc", "nvarchar(256)!"), ("rtypeAllowedPermSet", "bigint")],
    },
    Known {
        name: "tblScopePrincipal",
        columns: &[
            ("scopeNodeID", "int!"),
            ("scopePrinID", "int!"),
            ("scopeIsDenied", "bit!"),
            ("scopeUpdatedBy", "int"),
        ],
    },
    Known {
        name: "tblPrincipalAffiliations",
        columns: &[("principalID", "int!"), ("affiliationID", "int!"), ("index", "int"), ("updatedBy", "int")],
    },
    Known {
        name: "tblSiopWhiteList",
        columns: &[("siopID", "uniqueidentifier!"), ("siopName", "nvarchar(50)!"), ("siopUrl", "nvarchar(255)!")],
    },
    Known { name: "tblLastChatId", columns: &[("nodeID", "int!"), ("lastChatID", "bigint!")] },
    Known {
        name: "tblPrincipalInvites",
        columns: &[("prinID", "int!"), ("invID", "int!"), ("nodeID", "int!"), ("createdOn", "datetime")],
    },
    Known {
        name: "tblFileToken",
        columns: &[
            ("fileToken", "nvarchar(50)"),
            ("fileTokenUserID", "int!"),
            ("fileTokenChannelID", "uniqueidentifier!"),
            ("fileTokenExpireDate", "datetime"),
            ("fileTokenCompliancePinned", "bit"),
            ("fileTokenComplianceFileUrl", "nvarchar(256)?"),
            ("fileTokenComplianceThumbnailUrl", "nvarchar(256)?"),
            ("fileTokenComplianceTime", "datetime2?"),
            ("fileTokenComplianceIsUpload", "bit?"),
        ],
    },
    Known { name: "tblEnumAttribute", columns: &[("attributeID", "smallint!"), ("attributeName", "nvarchar(256)")] },
    Known {
        name: "tblEnumValue",
        columns: &[("valueID", "smallint!"), ("attributeID", "smallint!"), ("attributeValue", "nvarchar(256)!")],
    },
    Known {
        name: "tblPrincipalType",
        columns: &[
            ("ptypeID", "smallint!"),
            ("ptypeDesc", "nvarchar(256)!"),
            ("ptypeIsSystemUser", "bit"),
            ("ptypeIsUser", "bit"),
        ],
    },
    Known {
        name: QUEUE,
        columns: &[
            ("cmplEventID", "bigint!"),
            ("entryDate", "smalldatetime"),
            ("cmplType", "int!"),
            ("cmplTime", "bigint!"),
            ("cmplChannelUri", "nvarchar(255)!"),
            ("cmplChatID", "bigint?"),
            ("cmplUserID", "int!"),
            ("cmplUserUri", "nvarchar(255)"),
            ("cmplMessage", "nvarchar(max)?"),
        ],
    },
    Known {
        name: PARTICIPANT,
        columns: &[
            ("channelUri", "nvarchar(255)!"),
            ("userId", "int!"),
            ("joinedAt", "bigint!"),
            ("partedAt", "bigint?"),
            ("userUri", "nvarchar(255)"),
            ("serverID", "int?"),
            ("sessionId", "bigint?"),
        ],
    },
];

/// Tables that are there and of which nothing is taken.
const IGNORED: &[&str] = &[
    "tblActivePeers",
    "tblADCookie",
    "tblAdminLock",
    "tblADUpdates",
    "tblComplianceFanout",
    "tblComplianceState",
    "tblConfig",
    "tblLastInviteId",
    "tblPreference",
    "tblPrincipalMemberDifference",
    "tblPrincipalMembers",
    "tblPrincipalMeta",
    "tblServerIdentity",
    "tblSkippedAffiliations",
    "tblSystemRevision",
    // Of Group Chat 2010 alone.
    "tblTree",
    "tblPurgedRoles",
    "tblPurgedScoped",
    "tblVersion",
    "tblLogs",
    "tblComplianceTranslator",
    "tblLastComplianceID",
    "tblComplianceVersion",
];

/// Columns that only some versions have, and that mean nothing here.
pub const OPTIONAL: &[&str] =
    &["topic", "filestoreURI", "inheritance", "scopeChange", "overrideMember", "restrictChildCreate"];

/// The table with this name, and whose it is; the schema does not count. Names without `tbl` are those of Group Chat.
pub fn table(name: &str) -> Option<(&'static Known, Dialect)> {
    let (name, dialect) = dialect(name);
    let known = KNOWN.iter().find(|known| known.name[3..].eq_ignore_ascii_case(name))?;
    Some((known, dialect))
}

/// Is this a table of the product of which nothing is taken?
pub fn is_ignored(name: &str) -> bool {
    let (name, _) = dialect(name);
    IGNORED.iter().any(|known| known[3..].eq_ignore_ascii_case(name))
}

fn dialect(name: &str) -> (&str, Dialect) {
    match name.get(..3) {
        Some(start) if start.eq_ignore_ascii_case("tbl") => (&name[3..], Dialect::PersistentChat),
        _ => (name, Dialect::GroupChat),
    }
}

/// The one table that has these columns and all that its rows need; order and case do not count.
pub fn by_columns(columns: &[String]) -> Option<&'static Known> {
    let has = |name: &str| columns.iter().any(|column| column.trim().eq_ignore_ascii_case(name));
    let fits = |known: &&Known| {
        let needed = known.columns.iter().filter(|(_, kind)| kind.ends_with('!'));
        needed.clone().count() >= 2 && needed.clone().all(|(name, _)| has(name))
    };
    let mut found = KNOWN.iter().filter(fits);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

impl Known {
    /// A row without this column means nothing?
    pub fn needs(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().filter(|(_, kind)| kind.ends_with('!')).map(|(name, _)| *name)
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<(Type, bool)> {
        let (_, kind) = self.columns.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some((declared(kind).0, kind.contains('?')))
    }

    /// The published columns as `bcp` writes them in native form. `bit` is the length before a `bit` that cannot be
    /// missing, on which the documents and other programs of the maker differ; `page` that of `varchar`; `missing`
    /// takes every column for one that may be missing.
    pub fn native(&self, dialect: Dialect, bit: u8, page: Page, missing: bool) -> Layout {
        let field = |(name, kind): (&str, &str)| {
            let nullable = missing || kind.contains('?');
            let (kind, declared) = declared(kind);
            let prefix = match kind {
                Type::Text | Type::Binary => {
                    if declared.ends_with("(max)") {
                        8
                    } else {
                        2
                    }
                }
                Type::Guid | Type::Decimal => 1,
                Type::Bit if !nullable => bit,
                _ => u8::from(nullable),
            };
            let page = if declared.starts_with("varchar") { page } else { Page::Wide };
            Field::native(name, kind, nullable, prefix, page)
        };
        Layout { fields: self.of(dialect).map(field).collect(), lone_line_ends: false }
    }

    /// The published columns as `bcp` writes them in characters.
    pub fn characters(&self, dialect: Dialect, page: Page) -> Layout {
        let end = |text: &str| match page {
            Page::Wide => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => text.as_bytes().to_vec(),
        };
        let field = |(name, _): (&str, &str)| Field {
            terminator: end("\t"),
            characters: true,
            ..Field::native(name, Type::Text, true, 0, page)
        };
        let mut fields: Vec<Field> = self.of(dialect).map(field).collect();
        if let Some(last) = fields.last_mut() {
            last.terminator = end("\r\n");
        }
        Layout { fields, lone_line_ends: true }
    }

    /// The columns in the order of the product: Group Chat has no RTF, and more of a node.
    fn of(&self, dialect: Dialect) -> impl Iterator<Item = (&'static str, &'static str)> {
        let old = dialect == Dialect::GroupChat;
        let columns = match (old, self.name) {
            (true, NODE) => OLD_NODE,
            _ => self.columns,
        };
        columns.iter().copied().filter(move |(name, _)| !old || *name != "rtf")
    }
}

/// A node of Group Chat 2010.
const OLD_NODE: &[(&str, &str)] = &[
    ("nodeID", "int!"),
    ("nodeGuid", "uniqueidentifier!"),
    ("parentID", "int?!"),
    ("nodeType", "bit!"),
    ("nodeName", "nvarchar(256)!"),
    ("nodeDesc", "nvarchar(256)"),
    ("topic", "nvarchar(256)"),
    ("filestoreURI", "nvarchar(256)?"),
    ("inheritance", "bit"),
    ("scopeChange", "bit"),
    ("overrideMember", "bit"),
    ("invite", "bit?"),
    ("logged", "bit?"),
    ("filePost", "bit?"),
    ("restrictChildCreate", "bit?"),
    ("disabled", "bit"),
    ("behavior", "smallint"),
    ("visibility", "smallint"),
    ("siopID", "uniqueidentifier?"),
    ("nodeAddedBy", "int"),
    ("nodeAddedOn", "bigint"),
    ("nodeUpdatedBy", "int"),
    ("nodeUpdatedOn", "bigint"),
    ("purgedOn", "datetime?"),
];

/// The type of a declaration, and the declaration without marks.
pub fn declared(kind: &str) -> (Type, &str) {
    let bare = kind.trim_end_matches(['!', '?']);
    let name = bare.split('(').next().unwrap_or(bare);
    (Type::named(name, None).unwrap_or(Type::Text), bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_known_by_name_and_by_columns() {
        assert_eq!(
            table("TBLchat").map(|(known, dialect)| (known.name, dialect)),
            Some((CHAT, Dialect::PersistentChat))
        );
        assert_eq!(table("Chat").map(|(known, dialect)| (known.name, dialect)), Some((CHAT, Dialect::GroupChat)));
        assert!(table("Customer").is_none() && is_ignored("tblconfig") && is_ignored("Config"));
        let names = |names: &str| names.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let found = by_columns(&names("content chatid ChatDate userId channelId"));
        assert_eq!(found.map(|known| known.name), Some(CHAT));
        assert!(by_columns(&names("nodeID lastChatID")).is_some());
        assert!(by_columns(&names("a b c")).is_none());
    }
}
