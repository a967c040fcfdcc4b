package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"toban/store"
)

// join begins a life of this node: first the session lock, so that nobody sees
// the row without it, then the row.
func (n *Node) join(ctx context.Context) (err error) {
	if n.conn, err = n.db.Conn(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			n.hangUp()
		}
	}()
	got, err := n.db.LockSession(ctx, n.conn, n.db.Node())
	if err != nil {
		return err
	}
	if !got {
		return ErrTaken
	}
	at := time.Now()
	var started time.Time
	err = n.db.TxOn(ctx, n.conn, func(tx *store.Tx) (err error) {
		started, err = tx.EnterNode(ctx, store.NodeRow{
			ID: n.db.Node(), LeaseUntil: at.Add(n.o.TTL), StartedAt: at,
			Address: n.o.Address, Version: n.o.Version,
		})
		return err
	})
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.started, n.beat = started, at
	n.mu.Unlock()
	return nil
}

// hangUp ends the connection, and with it the session lock.
func (n *Node) hangUp() {
	if n.conn != nil {
		n.conn.Close()
		n.conn = nil
	}
}

var errEnded = errors.New("another node has ended this one's lease")

// beats renews the lease until ctx ends, and joins again when it is lost.
func (n *Node) beats(ctx context.Context) {
	next := time.NewTicker(n.o.Beat)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if ctx.Err() != nil {
			return
		}
		err := n.beatOnce(ctx)
		if err == nil {
			continue
		}
		n.mu.Lock()
		n.beat = time.Time{}
		n.mu.Unlock()
		n.hangUp()
		n.log.Warn("the node has lost its lease and holds its work", "node", n.db.Node(), "err", err)
		n.rejoin(ctx)
	}
}

func (n *Node) beatOnce(ctx context.Context) error {
	// A stop does not cut a heartbeat short: the connection would go with it, and
	// leave needs it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), n.o.TTL)
	defer cancel()
	at := time.Now()
	ok := false
	err := n.db.TxOn(ctx, n.conn, func(tx *store.Tx) (err error) {
		ok, err = tx.BeatNode(ctx, n.db.Node(), n.started, at.Add(n.o.TTL))
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("heartbeat: %w", err)
	case !ok:
		return errEnded
	}
	n.mu.Lock()
	n.beat = at // not now: what is asked is how old the lease may be at the most
	n.mu.Unlock()
	return nil
}

// rejoin joins as soon as the database lets it and tells who has to know.
func (n *Node) rejoin(ctx context.Context) {
	since := time.Now()
	for warned := false; ; warned = true {
		err := n.join(ctx)
		if err == nil {
			break
		}
		if !warned && ctx.Err() == nil {
			n.log.Warn("the node cannot join again yet", "node", n.db.Node(), "err", err)
		}
		if wait(ctx, joinRetry) != nil {
			return
		}
	}
	n.log.Info("the node has joined again", "node", n.db.Node(), "after", time.Since(since))
	for _, f := range n.onReturn {
		f(ctx)
	}
}

// leave ends this life, so that others need not wait for it to be found dead.
func (n *Node) leave(ctx context.Context) {
	defer n.hangUp()
	n.mu.Lock()
	lost := n.beat.IsZero()
	n.beat = time.Time{}
	n.mu.Unlock()
	if lost || n.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	err := n.db.TxOn(ctx, n.conn, func(tx *store.Tx) error {
		if _, err := tx.EndNode(ctx, n.db.Node(), n.started); err != nil {
			return err
		}
		_, err := tx.ForgetNode(ctx, n.db.Node()) // nothing waits: nobody has to take anything over
		return err
	})
	if err != nil {
		n.log.Warn("the node left without saying so", "node", n.db.Node(), "err", err)
	}
}
