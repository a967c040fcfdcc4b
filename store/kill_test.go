package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"toban/oncall"
	"toban/store"
	"toban/store/storetest"
)

// victim accepts signals until it is killed, and prints the id of each incident
// after it was told that it is kept.
func victim(dsn string) error {
	ctx := context.Background()
	db, err := store.Open(ctx, dsn, store.Options{Node: "victim"})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for worker := range 32 {
		all.Go(func() {
			for i := 0; ; i++ {
				got, err := db.Accept(ctx, []store.Acceptance{trigger(fmt.Sprintf("%d-%d", worker, i))})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				mu.Lock()
				fmt.Println(got[0].Incident)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return nil
}

func TestR1_WhatWasAcknowledgedIsThereAfterKill9(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t, engine)
			for round := range 3 {
				acknowledged := killWhileAccepting(t, dsn, 300*(round+1))
				db := storetest.Open(t, dsn, store.Options{Node: "victim"})
				read(t, db, func(tx *store.Tx) error {
					for part := range 64 {
						ids := acknowledged[part*len(acknowledged)/64 : (part+1)*len(acknowledged)/64]
						responses, err := tx.Responses(t.Context(), ids)
						if err != nil {
							return err
						}
						for _, id := range ids {
							if _, err := tx.IncidentUnlocked(t.Context(), id); err != nil || responses[id] == nil {
								t.Errorf("incident %s (%v) or its response is lost", id, err)
							}
						}
					}
					timers, err := tx.OwnTimers(t.Context(), time.Now().Add(time.Hour), 1_000_000)
					due := map[string]bool{}
					for _, timer := range timers {
						due[timer.Ref] = true
					}
					for _, id := range acknowledged {
						if !due[string(id)] {
							t.Errorf("incident %s has no timer", id)
						}
					}
					return err
				})
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// killWhileAccepting kills a process after it has said n times that a signal is
// kept, and returns all that it said.
func killWhileAccepting(t *testing.T, dsn string, n int) (acknowledged []oncall.IncidentID) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_VICTIM="+dsn)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		acknowledged = append(acknowledged, oncall.IncidentID(lines.Text()))
		if len(acknowledged) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait()
	if len(acknowledged) < n {
		t.Fatalf("the victim ended by itself after %d: %s", len(acknowledged), complaints.String())
	}
	if last := acknowledged[len(acknowledged)-1]; len(last) != len(acknowledged[0]) {
		acknowledged = acknowledged[:len(acknowledged)-1] // cut off in the middle of the line
	}
	return acknowledged
}
