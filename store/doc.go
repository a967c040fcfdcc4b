// Package store keeps everything that toban must not forget, on SQLite or on
// PostgreSQL, with one SQL text for both. It knows rows and transactions and no
// rules: what may happen to an incident is decided in oncall, by callers who
// hold its row.
//
// Two ways lead in. Tx runs a closure in a transaction with one idea of now.
// Accept takes signals and writes them in sets, because a closure for each would
// be several times too slow. On SQLite both are grouped: one writer puts what
// waits into one commit. Nothing is told to anybody before it is committed.
package store
