package store

// CountOn makes a node count its changes on behind a number.
func CountOn(db *DB, seq int64) { db.seq.Store(seq) }
