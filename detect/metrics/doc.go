// Package metrics is the command `toban metrics`: Prometheus as a library in a
// process of its own. It keeps samples, scrapes what a prometheus.yml names,
// evaluates rules and answers Prometheus' HTTP API and remote write under
// /prometheus.
//
// It is a child of `toban serve` and must never be more than that: it has a
// limit of memory of its own, a query that is too greedy ends it and not the
// pager, and all it knows of toban is an address to which alerts are posted in
// Alertmanager's format. So a Prometheus of the user's own can stand in its
// place. What it has told of alerts is on disk: an alert that has healed while
// the process was down is taken back when it is up again.
//
// It is the only package that links Prometheus; nothing else of toban may
// import it but the command's main.
package metrics
