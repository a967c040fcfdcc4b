package testserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// superuser is the role that owns everything in a Server.
const superuser = "toban"

// Server is a PostgreSQL cluster of our own. Its methods may be used by several
// goroutines, Stop, Kill and Restart by one at a time.
type Server struct {
	program
	port      int
	password  string
	databases atomic.Int64
	run       *process
	remove    func() error
}

// StartPostgres makes a PostgreSQL cluster and starts it, with PostgreSQL's
// defaults (fsync on); ctx bounds the start alone. The cluster is made in dir,
// which must be empty; "" is a temporary folder that Stop removes and that also
// goes when this process dies. Started by root, PostgreSQL runs as the user
// postgres or nobody, who then owns dir.
func StartPostgres(ctx context.Context, dir string) (_ *Server, err error) {
	initdb, err := find("initdb")
	if err != nil {
		return nil, err
	}
	postgres, err := find("postgres")
	if err != nil {
		return nil, err
	}
	remove := func() error { return nil }
	if dir == "" {
		if dir, remove, err = ownFolder("toban-postgres-"); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, remove())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	runAs, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{password: rand.Text(), remove: remove}
	s.program = program{
		path: postgres, dir: dir, user: runAs, farewell: syscall.SIGQUIT, // PostgreSQL's immediate shutdown
		logFile: filepath.Join(dir, "server.log"),
	}
	if err := s.initialise(ctx, initdb); err != nil {
		return nil, err
	}
	for range 3 {
		if s.port, err = freePort(); err != nil {
			return nil, err
		}
		s.args = []string{
			"-D", s.data(), "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
			"-c", "max_connections=300", // many tests at once
			"-c", "jit=off", // its compiler is not among the unpacked packages
		}
		if err = s.launch(ctx); err == nil {
			return s, nil
		}
		if !strings.Contains(s.Log(), "could not bind") {
			break
		}
	}
	return nil, fmt.Errorf("%w\n%s", err, s.Log())
}

// DSN is the address of the cluster's maintenance database.
func (s *Server) DSN() string { return s.dsn("postgres") }

// Database makes an empty database and returns its DSN.
func (s *Server) Database(ctx context.Context) (string, error) {
	name := "t" + strconv.FormatInt(s.databases.Add(1), 10)
	if err := s.exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return s.dsn(name), nil
}

// Log is the end of what the server has written, at most 16 KiB.
func (s *Server) Log() string { return s.logSince(0) }

// Stop ends the server in good order, closing its connections, and removes its
// folder if it is a temporary one. A stopped server can't be restarted.
func (s *Server) Stop() error {
	err := s.run.end(syscall.SIGINT, 20*time.Second) // PostgreSQL's fast shutdown
	return errors.Join(err, s.remove())
}

// Kill ends the server with SIGKILL, as a crash would; its folder stays for
// Restart.
func (s *Server) Kill() error { return s.run.end(syscall.SIGKILL, 20*time.Second) }

// Restart starts a killed server again, on the same port, and waits for its
// recovery. A running one is stopped first in good order.
func (s *Server) Restart(ctx context.Context) error {
	select {
	case <-s.run.done:
	default:
		if err := s.run.end(syscall.SIGINT, 20*time.Second); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		// After a kill the orphaned backends take a moment to notice, and
		// until then PostgreSQL refuses to start beside them.
		from := s.logSize()
		err := s.launch(ctx)
		if err == nil {
			return nil
		}
		said := s.logSince(from)
		if ctx.Err() != nil || !(strings.Contains(said, "still in use") || strings.Contains(said, "already exists")) {
			return fmt.Errorf("restart: %w\n%s", err, said)
		}
	}
}

// launch starts the program and waits until it answers a query.
func (s *Server) launch(ctx context.Context) error {
	run, err := s.start()
	if err != nil {
		return err
	}
	s.run = run
	err = run.wait(ctx, func(ctx context.Context) error { return s.exec(ctx, "SELECT 1") })
	if err != nil {
		return errors.Join(err, run.end(syscall.SIGQUIT, 5*time.Second))
	}
	return nil
}

// initialise runs initdb. Its sync is left out: the files are complete for the
// server in any case, and nothing in them is older than this test.
func (s *Server) initialise(ctx context.Context, initdb string) error {
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(s.password), 0o600); err != nil {
		return err
	}
	defer os.Remove(secret)
	if s.user != nil {
		if err := os.Chown(secret, int(s.user.Uid), int(s.user.Gid)); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, initdb, "-D", s.data(), "-U", superuser, "--pwfile="+secret,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	cmd.Dir, cmd.Env = s.dir, environment(initdb)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

func (s *Server) drop(ctx context.Context, dsn string) error {
	at, err := url.Parse(dsn)
	if err != nil {
		return err
	}
	return s.exec(ctx, "DROP DATABASE "+strings.TrimPrefix(at.Path, "/")+" WITH (FORCE)")
}

// exec runs one statement on a connection of its own: no pool stays open that a
// test for leaked goroutines would find.
func (s *Server) exec(ctx context.Context, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

func (s *Server) dsn(database string) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", superuser, s.password, s.port, database)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) logSince(from int64) string { return tail(s.logFile, from) }

func (s *Server) logSize() int64 {
	info, err := os.Stat(s.logFile)
	if err != nil {
		return 0
	}
	return info.Size()
}

// unprivileged says as whom to run what refuses to run as root, and gives dir
// to that user; nil when this process is not root.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		if who, err = user.Lookup("nobody"); err != nil {
			return nil, fmt.Errorf("PostgreSQL refuses to run as root and there is neither a user postgres nor nobody: %w", err)
		}
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", who.Username, err)
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", who.Username, err)
	}
	if err := os.Chown(dir, int(uid), int(gid)); err != nil {
		return nil, err
	}
	for above := filepath.Dir(dir); above != filepath.Dir(above); above = filepath.Dir(above) {
		if info, err := os.Stat(above); err == nil && info.Mode()&0o001 == 0 {
			return nil, fmt.Errorf("PostgreSQL runs as %s, who may not enter %s: choose another folder (TMPDIR)", who.Username, above)
		}
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
