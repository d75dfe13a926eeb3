//! A query that means at least the same for ever: rooms that are called by a name now are named by their addresses as
//! well, so that a new name, another category or a merge does not lose them. Dates and people are instants and
//! addresses already.

use super::{Node, Rooms};

/// Seals a query that protects what it means.
pub fn seal(node: &Node) -> Node {
    sealed(node, true)
}

/// Fixes a query to the rooms that its names stand for now.
pub fn fix(node: &Node) -> Node {
    match node {
        Node::And(nodes) => Node::And(nodes.iter().map(fix).collect()),
        Node::Or(nodes) => Node::Or(nodes.iter().map(fix).collect()),
        Node::Not(node) => Node::Not(Box::new(fix(node))),
        Node::Rooms(rooms) => Node::Rooms(Rooms { named: None, keys: rooms.keys.clone() }),
        other => other.clone(),
    }
}

/// `adds`: what this means is added to what is protected; else, below a NOT, it is taken away.
fn sealed(node: &Node, adds: bool) -> Node {
    match node {
        Node::And(nodes) => Node::And(nodes.iter().map(|node| sealed(node, adds)).collect()),
        Node::Or(nodes) => Node::Or(nodes.iter().map(|node| sealed(node, adds)).collect()),
        Node::Not(node) => Node::Not(Box::new(sealed(node, !adds))),
        Node::Rooms(rooms) if rooms.named.is_some() => {
            let known = Node::Rooms(Rooms { named: None, keys: rooms.keys.clone() });
            // What gets such a name later is protected, and what is left out are the rooms of today.
            match adds {
                true if rooms.keys.is_empty() => node.clone(),
                true => Node::Or(vec![node.clone(), known]),
                false => known,
            }
        }
        other => other.clone(),
    }
}
