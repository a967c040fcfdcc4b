package lease

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"toban/internal/due"
	"toban/oncall"
	"toban/store"
)

// TestMain lets this binary play the node that is killed or frozen.
func TestMain(m *testing.M) {
	if os.Getenv("LEASE_VICTIM") == "" {
		// The PostgreSQL that all tests share ends with this process.
		goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("toban/internal/testserver.program.start.func1"))
		return
	}
	if err := victim(os.Getenv("LEASE_DSN"), os.Getenv("LEASE_VICTIM"), os.Getenv("LEASE_PLAN")); err != nil {
		fmt.Fprintln(os.Stderr, "victim:", err)
		os.Exit(1)
	}
}

// party is a node with everything that waits: what a process of toban is here.
type party struct {
	db    *store.DB
	node  *Node
	queue *due.Queue
	log   *slog.Logger
	stop  func()
}

// enter opens the store as a node of that name and runs it until stop.
func enter(ctx context.Context, dsn, name string, o store.Options, on func(p *party)) (*party, error) {
	o.Node = name
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("LEASE_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("self", name)
	}
	db, err := store.Open(ctx, dsn, o)
	if err != nil {
		return nil, err
	}
	node, err := Join(ctx, db, log, Options{})
	if err != nil {
		db.Close()
		return nil, err
	}
	p := &party{db: db, node: node, queue: due.New(db, log), log: log}
	p.queue.HoldWhile(node.Fenced)
	p.queue.Handle("x", due.Options{}, p.fire)
	node.OnReturn(func(context.Context) { p.queue.Reload() })
	if on != nil {
		on(p)
	}
	work, cancelWork := context.WithCancel(context.Background())
	life, cancelLife := context.WithCancel(context.Background())
	var working, living sync.WaitGroup
	working.Go(func() { p.queue.Run(work) })
	living.Go(func() { node.Run(life) })
	p.stop = sync.OnceFunc(func() {
		cancelWork()
		working.Wait()
		cancelLife()
		living.Wait()
		db.Close()
	})
	return p, nil
}

// fire writes a row for each ref that says when it was due and when it fired.
// The row can be written once: a second firing leaves a wait of kind "twice".
func (p *party) fire(ctx context.Context, tx *store.Tx, refs []string) error {
	for _, ref := range refs {
		ok, err := tx.InsertDelivery(ctx, store.Delivery{
			ID: oncall.DeliveryID(ref), Outbox: oncall.AttemptID(ref), Attempt: 1, User: oncall.UserID(p.db.Node()),
			Channel: oncall.Push, State: store.DeliveryEnded, ClaimedAt: dueOf(ref), SentAt: tx.Now, EndedAt: tx.Now,
		})
		if err != nil {
			return err
		}
		if !ok {
			if err := tx.PutTimers(ctx, store.Timer{Kind: "twice", Ref: ref, DueAt: tx.Now}); err != nil {
				return err
			}
		}
		if strings.HasPrefix(ref, "freeze-") && p.db.Node() == "victim" {
			syscall.Kill(os.Getpid(), syscall.SIGSTOP) // inside the transaction, its rows locked
			pass(100 * time.Millisecond)               // until every thread has stopped
		}
	}
	return nil
}

// A ref ends with when it is due, in Unix milliseconds.
func refOf(prefix string, due time.Time) string { return fmt.Sprintf("%s-%d", prefix, due.UnixMilli()) }

func dueOf(ref string) time.Time {
	ms, _ := strconv.ParseInt(ref[strings.LastIndexByte(ref, '-')+1:], 10, 64)
	return time.UnixMilli(ms)
}

// put makes this node own n waits, the first due after first and then one every
// step.
func (p *party) put(ctx context.Context, prefix string, n int, first, step time.Duration) error {
	return p.db.Tx(ctx, func(tx *store.Tx) error {
		timers := make([]store.Timer, n)
		for i := range timers {
			due := tx.Now.Add(first + time.Duration(i)*step)
			timers[i] = store.Timer{Kind: "x", Ref: refOf(fmt.Sprintf("%s-%d", prefix, i), due), DueAt: due}
		}
		return tx.PutTimers(ctx, timers...)
	})
}

// victim is a process that enters, owns the waits of plan ("prefix,n,first,step")
// and says so; it leaves when its input ends.
func victim(dsn, name, plan string) error {
	ctx := context.Background()
	p, err := enter(ctx, dsn, name, store.Options{}, func(p *party) {
		p.node.OnReturn(func(context.Context) { fmt.Println("returned") })
	})
	if err != nil {
		return err
	}
	defer p.stop()
	for each := range strings.FieldsSeq(plan) {
		part := strings.Split(each, ",")
		n, _ := strconv.Atoi(part[1])
		first, _ := time.ParseDuration(part[2])
		step, _ := time.ParseDuration(part[3])
		if err := p.put(ctx, part[0], n, first, step); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// process is a victim as its parent sees it.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	says  chan string
}

// start runs a victim and waits until its waits are committed.
func start(t *testing.T, dsn, plan string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LEASE_VICTIM=victim", "LEASE_DSN="+dsn, "LEASE_PLAN="+plan)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, stdin: stdin, says: make(chan string, 10)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			p.says <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-read
		cmd.Wait()
	})
	p.hear(t, "ready")
	return p
}

func (p *process) hear(t *testing.T, word string) {
	t.Helper()
	select {
	case got := <-p.says:
		if got != word {
			t.Fatalf("the victim said %q, want %q", got, word)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("the victim did not say %q", word)
	}
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// survivor enters in this process.
func survivor(t *testing.T, dsn, name string, o store.Options) *party {
	t.Helper()
	p, err := enter(t.Context(), dsn, name, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return p
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func number(t *testing.T, conn *pgx.Conn, query string, args ...any) (n int64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// firedOnce waits until all n waits have fired, checks that each did so once and
// that nothing is left, and returns by how much the latest was late.
func firedOnce(t *testing.T, conn *pgx.Conn, n int64) (latest time.Duration) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d waits have fired", n), func() bool {
		return number(t, conn, "SELECT count(*) FROM deliveries") >= n
	})
	if got := number(t, conn, "SELECT count(*) FROM deliveries"); got != n {
		t.Errorf("fired %d, want %d", got, n)
	}
	if got := number(t, conn, "SELECT count(*) FROM timers"); got != 0 {
		t.Errorf("%d waits left over (of kind \"twice\": %d), want 0", got, number(t, conn, "SELECT count(*) FROM timers WHERE kind = 'twice'"))
	}
	return time.Duration(number(t, conn, "SELECT coalesce(max(sent_at - claimed_at), 0) FROM deliveries")) * time.Millisecond
}

// eventually asks holds every 10 ms for thirty seconds.
func eventually(t *testing.T, promise string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); <-tick.C {
		if holds() {
			return
		}
	}
	t.Fatalf("after 30 s it does not hold that %s", promise)
}

// pass lets real time pass: what is tested here are real processes.
func pass(d time.Duration) { <-time.After(d) }
