//! Opening what is there and what is not.

use omnigraph::{ErrorKind, Graph};

#[tokio::test]
async fn looking_for_a_graph_where_there_is_none_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().join("nowhere");
    for read_only in [false, true] {
        let builder = Graph::builder(nowhere.display());
        let opened = if read_only { builder.open_read_only().await } else { builder.open().await };
        assert_eq!(opened.unwrap_err().kind(), ErrorKind::NotFound);
        assert!(!nowhere.exists());
    }
}
