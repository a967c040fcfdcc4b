package probe

import "time"

// maxIdle is how many connections one checker keeps; further ones are made anew
// for each check.
const maxIdle = 20_000

// kept takes the connection that is kept for key, if there is one that is still
// good. other says that its server speaks HTTP/2.
func (c *httpChecker) kept(key httpKey) (k *httpConn, other bool) {
	c.mu.Lock()
	k, other = c.idle[key], c.other[key]
	delete(c.idle, key)
	c.mu.Unlock()
	if k != nil && (time.Since(k.since) > keptAge || !quiet(k.under)) {
		_ = k.Conn.Close()
		return nil, other
	}
	return k, other
}

// keep puts a connection away for the next check, unless one is there already or
// the checker is closed.
func (c *httpChecker) keep(k *httpConn) bool {
	k.since, k.unwatch = time.Now(), nil
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.idle[k.key]; there || c.closed || len(c.idle) >= maxIdle {
		return false
	}
	if c.idle == nil {
		c.idle = map[httpKey]*httpConn{}
	}
	c.idle[k.key] = k
	return true
}

// speaksOther remembers that a server has agreed on HTTP/2.
func (c *httpChecker) speaksOther(key httpKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.other == nil || len(c.other) >= maxIdle {
		c.other = map[httpKey]bool{}
	}
	c.other[key] = true
}
