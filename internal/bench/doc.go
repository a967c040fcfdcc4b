// Package bench measures toban: the figures of docs/performance.md, printed by
// toban bench and by make bench. It measures what users wait for, on the real
// engines with every commit on the disk.
package bench
