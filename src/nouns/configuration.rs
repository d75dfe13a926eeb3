//! Service settings per scope: global, site or service.

use crate::model::record::{Field, Shape, Type};

/// The shape of a configuration.
pub static SHAPE: Shape = Shape {
    noun: "configuration",
    plural: "configurations",
    fields: &[
        Field::new("Identity", "identity", Type::Text, 256),
        Field::new("DefaultChatHistory", "default_chat_history", Type::Int, 0),
        Field::new("MaxFileSizeKB", "max_file_size_kb", Type::Int, 0),
        Field::new("ParticipantUpdateLimit", "participant_update_limit", Type::Int, 0),
        Field::new("RoomManagementUrl", "room_management_url", Type::Text, 1024),
    ],
    key: &["Identity"],
    identity: &["Identity"],
    levels: &[],
};
