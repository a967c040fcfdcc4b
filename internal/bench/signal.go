package bench

import (
	"fmt"
	"strings"
)

// signal is a request to the generic integration with a place for its key, so
// that sending another one costs sixteen bytes.
type signal struct {
	request []byte
	at      int // where the key begins
}

// keyDigits is how long a key is: hexadecimal, so that 64 bits fit.
const keyDigits = 16

// newSignal makes a signal to a service as a monitoring system would write it,
// about 300 bytes. action is trigger or resolve.
func newSignal(path, action, service, severity string) *signal {
	place := strings.Repeat("0", keyDigits)
	body := `{"key":"` + place + `","action":"` + action + `","service":"` + service + `","severity":"` + severity + `",` +
		`"summary":"checkout answers 500 to one request in ten",` +
		`"labels":{"alertname":"HighErrorRate","job":"checkout","instance":"10.0.0.1:8080"},` +
		`"annotations":{"runbook":"https://runbook.example.jp/checkout"}}`
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: toban\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, len(body))
	return &signal{request: []byte(head + body), at: len(head) + strings.Index(body, place)}
}

// about returns the request with that key. It is valid until the next call.
func (s *signal) about(key uint64) []byte {
	const digits = "0123456789abcdef"
	for i := keyDigits - 1; i >= 0; i-- {
		s.request[s.at+i] = digits[key&15]
		key >>= 4
	}
	return s.request
}
