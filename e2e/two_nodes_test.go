package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"toban/api"
	"toban/e2e/harness"
	simtwilio "toban/sim/twilio"
)

// cluster is two nodes on one PostgreSQL behind one address, as a proxy gives
// it: a request goes to the first node that takes it.
type cluster struct {
	a, b     *harness.Toban
	provider *simtwilio.Server
	url      string

	mu    sync.Mutex
	front []*harness.Toban // in the order in which they are asked
}

// newCluster starts two nodes with n services, each with two people: the first
// is called at once, the second when the first has been rung for each.
func newCluster(t *testing.T, n int, each string) *cluster {
	t.Helper()
	c := &cluster{}
	proxy := httptest.NewServer(c)
	t.Cleanup(proxy.Close)
	c.url = proxy.URL
	var address string
	c.provider, address = telephones(t)
	for i := range 2 * n {
		c.provider.Phone(number(i)).Always(simtwilio.Ring())
	}
	c.a = harness.New(t, "postgres", func(string) string { return basics(c.url, address) + pairs(n, "60s", each) })
	environment(c.a)
	c.b = c.a.Beside()
	c.a.Start()
	c.b.Start()
	c.ask(c.a, c.b)
	return c
}

// ask says which nodes the proxy goes to, in order.
func (c *cluster) ask(nodes ...*harness.Toban) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.front = nodes
}

// ServeHTTP goes to the first node that answers within two seconds.
func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	front := slices.Clone(c.front)
	c.mu.Unlock()
	for _, node := range front {
		to, err := url.Parse(node.URL)
		if err != nil {
			continue
		}
		failed := false
		proxy := &httputil.ReverseProxy{
			Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(to) },
			ErrorHandler: func(http.ResponseWriter, *http.Request, error) { failed = true },
		}
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		proxy.ServeHTTP(w, r.WithContext(ctx))
		cancel()
		if !failed {
			return
		}
	}
	w.WriteHeader(http.StatusBadGateway)
}

// trigger says on a node that a service is broken.
func trigger(t *testing.T, node *harness.Toban, service string) {
	t.Helper()
	status, err := signal(node, service, "trigger")
	if err != nil || status != http.StatusAccepted {
		t.Fatalf("got status %d, %v for a signal, want 202", status, err)
	}
}

// signal says one thing about a service and returns the status.
func signal(node *harness.Toban, service, action string) (status int, err error) {
	status, _, err = post(node, map[string]string{"key": service + " is down", "summary": service + " is down", "action": action, "service": service})
	return status, err
}

// ringing triggers every service on node a, spread over span, and waits until
// the first person of each is rung. It returns when the second one is due.
func (c *cluster) ringing(t *testing.T, n int, span time.Duration) map[string]time.Time {
	t.Helper()
	tick := time.NewTicker(span / time.Duration(n))
	defer tick.Stop()
	for i := range n {
		trigger(t, c.a, service(i))
		<-tick.C
	}
	due := map[string]time.Time{}
	harness.Wait(t, 10*time.Second, "the first person of every service is rung", func(ctx context.Context) (bool, error) {
		for i := range n {
			if len(c.provider.Phone(number(2*i)).Calls()) == 0 {
				return false, nil
			}
		}
		list, err := c.a.Incidents(ctx, "triggered")
		clear(due)
		for _, inc := range list {
			if inc.NextAt != nil && inc.NextWhy == "target" {
				due[inc.Service] = *inc.NextAt
			}
		}
		return len(due) == n, err
	})
	return due
}

func service(i int) string { return "s" + string(rune('0'+i/10)) + string(rune('0'+i%10)) }

// lateness waits until the second person of each service is called and returns
// by how much the latest call was late, of those due after a moment.
func (c *cluster) lateness(t *testing.T, due map[string]time.Time, after time.Time) (worst time.Duration, of int) {
	t.Helper()
	n := len(due)
	harness.Wait(t, 20*time.Second, "the second person of every service is rung", func(context.Context) (bool, error) {
		for i := range n {
			if len(c.provider.Phone(number(2*i+1)).Calls()) == 0 {
				return false, nil
			}
		}
		return true, nil
	})
	for i := range n {
		at := due[service(i)]
		if at.Before(after) {
			continue
		}
		of++
		worst = max(worst, c.provider.Phone(number(2*i + 1)).Calls()[0].Arrived.Sub(at))
	}
	return worst, of
}

// nobodyTwice checks that every telephone has been called exactly once.
func (c *cluster) nobodyTwice(t *testing.T, n int) {
	t.Helper()
	for i := range 2 * n {
		if calls := c.provider.Phone(number(i)).Calls(); len(calls) != 1 {
			t.Errorf("telephone %d was called %d times, want once: %+v", i, len(calls), calls)
		}
	}
}

const fleet = 16 // services of a cluster

// The other node goes on with what a killed one was waiting for. The session
// lock of the dead process is free at once; by the clock it would take the time
// of a lease.
func TestTwoNodes_OneKilledTheOtherGoesOn(t *testing.T) {
	t.Parallel()
	c := newCluster(t, fleet, "4s")
	due := c.ringing(t, fleet, 1200*time.Millisecond)
	midst := middle(due)
	sleepUntil(t, midst)
	killed := time.Now()
	c.a.Kill()
	c.ask(c.b)
	worst, of := c.lateness(t, due, killed)
	t.Logf("kill -9: of %d calls due after it the latest was %s late", of, worst.Round(time.Millisecond))
	if of < 3 || worst > time.Second {
		t.Errorf("got %d calls, the latest %s late, want several, at most 1 s late", of, worst)
	}
	c.nobodyTwice(t, fleet)
}

// A frozen node looks alive until its lease ends. When it wakes it finds that
// others have done its work, and does not do it again.
func TestTwoNodes_OneFrozenNobodyIsCalledTwice(t *testing.T) {
	t.Parallel()
	c := newCluster(t, fleet, "4s")
	due := c.ringing(t, fleet, 1200*time.Millisecond)
	sleepUntil(t, middle(due))
	frozen := time.Now()
	c.a.Signal(syscall.SIGSTOP)
	c.ask(c.b)
	worst, of := c.lateness(t, due, frozen)
	t.Logf("SIGSTOP: of %d calls due after it the latest was %s late", of, worst.Round(time.Millisecond))
	if of < 3 || worst > 3*time.Second {
		t.Errorf("got %d calls, the latest %s late, want several, at most 2 s late and a margin", of, worst)
	}
	c.a.Signal(syscall.SIGCONT)
	sleepUntil(t, time.Now().Add(2500*time.Millisecond)) // longer than a lease: it has noticed and joined again
	c.nobodyTwice(t, fleet)
	if _, err := c.a.Incidents(t.Context(), "open"); err != nil {
		t.Errorf("the node that was frozen does not answer: %v", err)
	}
	// It is a node like any other again: it accepts, and what it accepted is done.
	for i := range 2 {
		c.provider.Phone(number(i)).Always(simtwilio.Answer(0).Then("1", 0))
	}
	if status, err := signal(c.a, service(1), "resolve"); err != nil || status != http.StatusAccepted {
		t.Errorf("got status %d, %v for a resolve on the node that was frozen, want 202", status, err)
	}
	harness.Wait(t, 5*time.Second, "the incident of its signal is resolved", func(ctx context.Context) (bool, error) {
		list, err := c.b.Incidents(ctx, "resolved")
		return len(list) == 1 && list[0].Service == service(1), err
	})
}

// A node that is stopped hands its work over before it goes.
func TestTwoNodes_ACleanStopHandsOverAtOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t, fleet, "4s")
	due := c.ringing(t, fleet, 1200*time.Millisecond)
	sleepUntil(t, middle(due))
	stopped := time.Now()
	c.ask(c.b)
	if err := c.a.Stop(); err != nil {
		t.Errorf("got %v from a clean stop, want exit code 0", err)
	}
	took := time.Since(stopped)
	worst, of := c.lateness(t, due, stopped)
	t.Logf("SIGTERM: ended after %s; of %d calls due after it the latest was %s late", took.Round(time.Millisecond), of, worst.Round(time.Millisecond))
	if of < 3 || worst > 1500*time.Millisecond || took > 5*time.Second {
		t.Errorf("got %d calls, the latest %s late, after %s, want several, at most 1.5 s late (a lease that runs out takes 2 s), within 5 s", of, worst, took)
	}
	c.nobodyTwice(t, fleet)
}

// What one node has accepted is acknowledged on the other: the ringing telephone
// is hung up within a second and nobody else is called.
func TestTwoNodes_AcceptedOnOneAcknowledgedOnTheOther(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1, "2s")
	trigger(t, c.a, service(0))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := c.provider.Phone(number(0)).Ring(ctx); err != nil {
		t.Fatal(err)
	}
	var inc api.Incident
	harness.Wait(t, 5*time.Second, "the other node knows the incident", func(ctx context.Context) (bool, error) {
		list, err := c.b.Incidents(ctx, "triggered")
		if len(list) == 1 {
			inc = list[0]
		}
		return len(list) == 1, err
	})
	if err := c.b.Acknowledge(ctx, inc.ID, "second0"); err != nil {
		t.Fatal(err)
	}
	acknowledged := time.Now()
	call, err := c.provider.Phone(number(0)).Ended(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	if call.Status != simtwilio.StatusCanceled || call.Ended.Sub(acknowledged) > time.Second {
		t.Errorf("the call ended %s after the acknowledgement as %s, want hung up within 1 s", call.Ended.Sub(acknowledged), call.Status)
	}
	sleepUntil(t, acknowledged.Add(3*time.Second)) // longer than the second person would have waited
	for _, r := range c.provider.RequestsSince(acknowledged) {
		if r.Kind == "create" {
			t.Errorf("a call was requested %s after the acknowledgement, want none", r.At.Sub(acknowledged))
		}
	}
	entries, err := c.a.Timeline(ctx, inc.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := story(entries), []string{"triggered", "contact first0", "acknowledged second0"}; !subsequence(want, got) {
		t.Errorf("got timeline %q, want %q in it", got, want)
	}
}

// middle is between the first and the last of some times.
func middle(due map[string]time.Time) time.Time {
	var all []time.Time
	for _, at := range due {
		all = append(all, at)
	}
	slices.SortFunc(all, time.Time.Compare)
	return all[len(all)/2].Add(-10 * time.Millisecond)
}

// sleepUntil waits for a moment of the real clock: what is tested are processes.
func sleepUntil(t *testing.T, at time.Time) {
	t.Helper()
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
		t.Fatal("the test has ended")
	}
}
