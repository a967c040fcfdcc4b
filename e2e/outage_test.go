package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"toban/e2e/harness"
	"toban/internal/testserver"
	simtwilio "toban/sim/twilio"
)

func TestServe_SaysThatPostgreSQLIsDown(t *testing.T) {
	t.Parallel()
	dsn := fmt.Sprintf("postgres://toban:open-sesame@127.0.0.1:%d/toban?sslmode=disable", harness.Port(t))
	toban := harness.On(t, dsn, small)
	environment(toban)
	said := refused(t, toban, 30*time.Second, "store", "connect")
	if strings.Contains(said, "open-sesame") {
		t.Errorf("it shows the password:\n%s", said)
	}
}

// While PostgreSQL is away senders are told to come back, and nothing that was
// accepted is lost; when it is there again toban goes on by itself, with what
// came due meanwhile first.
func TestPostgreSQLGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	server := testserver.PostgresServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dsn, err := server.Database(ctx)
	if err != nil {
		t.Fatal(err)
	}
	provider, address := telephones(t)
	provider.Phone(number(0)).Always(simtwilio.Ring())
	provider.Phone(number(1)).Always(simtwilio.Answer(0).Then("1", 0))
	toban := harness.On(t, dsn, func(listen string) string { return basics("http://"+listen, address) + pairs(2, "60s", "3s") })
	environment(toban)
	toban.Start()
	trigger(t, toban, service(0))
	if _, err := provider.Phone(number(0)).Ring(ctx); err != nil {
		t.Fatal(err)
	}

	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		began := time.Now()
		status, err := signal(toban, service(1), "trigger")
		took := time.Since(began)
		if err != nil || status != http.StatusServiceUnavailable || took > 5*time.Second {
			t.Errorf("got status %d, %v after %s without PostgreSQL, want 503 within 5 s", status, err, took)
		}
		t.Logf("without PostgreSQL a signal was refused with %d after %s", status, took.Round(time.Millisecond))
	}
	sleepUntil(t, time.Now().Add(3*time.Second)) // the second person comes due
	if toban.Over() {
		t.Fatal("toban ended because PostgreSQL was away")
	}
	if n := len(provider.Phone(number(1)).Calls()); n != 0 {
		t.Errorf("the second person was called %d times while nothing could be stored, want none", n)
	}

	back := time.Now()
	if err := server.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	answers := time.Now()
	harness.Wait(t, 10*time.Second, "signals are accepted again", func(context.Context) (bool, error) {
		status, err := signal(toban, service(1), "trigger")
		return status == http.StatusAccepted, err
	})
	harness.Wait(t, 10*time.Second, "the second person has it", func(ctx context.Context) (bool, error) {
		list, err := toban.Incidents(ctx, "acknowledged")
		return len(list) == 1 && list[0].AcknowledgedBy == "second0", err
	})
	t.Logf("PostgreSQL took %s to come back; the call that was due followed %s later", answers.Sub(back).Round(time.Millisecond),
		provider.Phone(number(1)).Calls()[0].Arrived.Sub(answers).Round(time.Millisecond))
	harness.Wait(t, 5*time.Second, "the incident of the signal that was refused at first is there", func(ctx context.Context) (bool, error) {
		list, err := toban.Incidents(ctx, "open")
		return len(list) == 2, err
	})
	for i := range 2 {
		if n := len(provider.Phone(number(i)).Calls()); n != 1 {
			t.Errorf("telephone %d was called %d times, want once", i, n)
		}
	}
}
