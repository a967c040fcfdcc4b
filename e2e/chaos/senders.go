package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// again is when a sender repeats what was refused, or what it does not know to
// have been heard, as Alertmanager would.
const again = 100 * time.Millisecond

// send lets the problems of the plan happen until load ends, and returns when
// their senders have said everything or ctx ends.
func (w *world) send(load, ctx context.Context) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	var senders sync.WaitGroup
	defer senders.Wait()
	for n := 0; ; n++ {
		p := nextProblem(w.plan.load, n)
		if !rest(load, p.gap) {
			return
		}
		senders.Go(func() { w.tell(load, ctx, client, p) })
	}
}

// tell says what a problem's sender has to say, each signal until it is
// accepted. What would come after the end of load is not said.
func (w *world) tell(load, ctx context.Context, client *http.Client, p problem) {
	for _, s := range p.says {
		if !rest(load, s.after) {
			return
		}
		for {
			sent := time.Now()
			if w.post(ctx, client, p, s) {
				w.mu.Lock()
				w.record.accepted = append(w.record.accepted, acceptance{
					problem: p.name, alert: p.key(s.alert), firing: s.firing, sent: sent, at: time.Now(),
				})
				w.mu.Unlock()
				w.happened(accepted)
				break
			}
			if !rest(ctx, again) {
				return
			}
		}
	}
}

// post says one signal once; false means that it was refused, or that nobody
// knows.
func (w *world) post(ctx context.Context, client *http.Client, p problem, s says) bool {
	path, body := p.request(s)
	raw, err := json.Marshal(body)
	if err != nil {
		w.complain("%v", err)
		return true
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.toban.URL+path, bytes.NewReader(raw))
	if err != nil {
		w.complain("%v", err)
		return true
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	said, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if res.StatusCode >= 400 && res.StatusCode < 500 {
		w.complain("a sender was answered %s: %s", res.Status, said)
	}
	return err == nil && res.StatusCode >= 200 && res.StatusCode < 300
}

// key is what the store knows an alert of the problem by.
func (p problem) key(alert int) string {
	if p.group {
		return fmt.Sprintf("%s/%d", p.name, alert)
	}
	return p.name
}

// request is what the sender posts, and where.
func (p problem) request(s says) (path string, body any) {
	if !p.group {
		action := "resolve"
		if s.firing {
			action = "trigger"
		}
		return "/integrations/generic/" + hookKey, map[string]string{
			"key": p.name, "action": action, "summary": p.name, "severity": "critical", "service": p.service,
		}
	}
	status := "resolved"
	if s.firing {
		status = "firing"
	}
	return "/integrations/alertmanager/" + promKey, map[string]any{
		"version": "4", "groupKey": "{}:{problem=" + p.name + "}", "status": status,
		"alerts": []map[string]any{{
			"status": status, "fingerprint": p.key(s.alert), "startsAt": time.Now().Format(time.RFC3339),
			"labels":      map[string]string{"alertname": p.name, "product": p.service, "severity": "critical"},
			"annotations": map[string]string{"summary": p.name},
		}},
	}
}
