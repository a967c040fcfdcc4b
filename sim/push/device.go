package push

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
)

// Device is a browser that has subscribed. Make it with Server.Subscribe.
type Device struct {
	s         *Server
	id        string
	serverKey []byte // the only sender it listens to
	key       *ecdh.PrivateKey
	auth      []byte

	// Guarded by the server's mutex.
	gone       bool
	offline    bool
	waiting    []parcel
	inbox      []Message
	unreadable int
}

// Message is one that a device has read.
type Message struct {
	At       time.Time // when the service took it
	Topic    string    // replaces a waiting one with the same; "" = none
	Urgency  string
	TTL      time.Duration
	Audience string // of the sender's token
	Subject  string // whom the service may write to about the sender
	Body     []byte // in clear
}

// parcel is a message that waits for its device.
type parcel struct {
	message Message
	body    []byte
}

// Subscription is what a browser hands to the page that subscribed, as
// PushSubscription.toJSON writes it.
type Subscription struct {
	Endpoint       string   `json:"endpoint"`
	ExpirationTime *float64 `json:"expirationTime"`
	Keys           Keys     `json:"keys"`
}

// Keys are the device's, in base64url without padding.
type Keys struct {
	P256dh string `json:"p256dh"`
	Auth   string `json:"auth"`
}

// NewSubscription makes a browser that listens to the sender with that public
// key (applicationServerKey: 65 bytes in base64url).
func (s *Server) NewSubscription(applicationServerKey string) (*Device, error) {
	serverKey, err := base64.RawURLEncoding.DecodeString(applicationServerKey)
	if err != nil {
		return nil, errBrowser
	}
	if _, err := ecdh.P256().NewPublicKey(serverKey); err != nil {
		return nil, errBrowser
	}
	d := &Device{s: s, id: rand.Text(), serverKey: serverKey, auth: make([]byte, 16)}
	_, _ = rand.Read(d.auth) // never fails
	if d.key, err = ecdh.P256().GenerateKey(rand.Reader); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.devices) >= s.o.MaxDevice {
		return nil, errTooMany
	}
	s.devices[d.id] = d
	return d, nil
}

func (s *Server) device(id string) *Device {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.devices[id]
}

// Subscription is what the browser hands to the page.
func (d *Device) Subscription() Subscription {
	return Subscription{Endpoint: d.s.o.URL + "/send/" + d.id, Keys: Keys{
		P256dh: base64.RawURLEncoding.EncodeToString(d.key.PublicKey().Bytes()),
		Auth:   base64.RawURLEncoding.EncodeToString(d.auth),
	}}
}

// JSON is Subscription as the page posts it.
func (d *Device) JSON() []byte {
	body, _ := json.Marshal(d.Subscription()) // strings only: it can always be written
	return body
}

// Unsubscribe makes the service answer 410 from now on.
func (d *Device) Unsubscribe() {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.gone, d.waiting = true, nil
}

// Offline makes messages wait at the service: until Online, until their time is
// over, or until one with the same topic takes their place.
func (d *Device) Offline() {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.offline = true
}

// Online hands over what has waited.
func (d *Device) Online() {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	d.offline = false
	now := time.Now()
	for _, p := range d.waiting {
		if now.Sub(p.message.At) <= p.message.TTL {
			d.open(p)
		}
	}
	d.waiting = nil
}

// Inbox returns what the device has read, oldest first.
func (d *Device) Inbox() []Message {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return slices.Clone(d.inbox)
}

// Unreadable is how many messages the device could not decrypt. A service can't
// tell, so it has answered 201 to them.
func (d *Device) Unreadable() int {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return d.unreadable
}

// deliver hands a message to its device, or keeps it; false means that the
// device has unsubscribed.
func (s *Server) deliver(d *Device, m Message, body []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.gone {
		return false
	}
	p := parcel{m, body}
	if !d.offline {
		d.open(p)
		return true
	}
	if m.TTL == 0 {
		return true // now or never
	}
	if m.Topic != "" {
		d.waiting = slices.DeleteFunc(d.waiting, func(w parcel) bool { return w.message.Topic == m.Topic })
	}
	d.waiting = append(d.waiting, p)
	d.waiting = d.waiting[max(0, len(d.waiting)-maxKept):]
	return true
}

// open decrypts as the browser does. s.mu is held.
func (d *Device) open(p parcel) {
	if len(p.body) > 0 {
		clear, err := decrypt(p.body, d.key, d.auth)
		if err != nil {
			d.unreadable++
			return
		}
		p.message.Body = clear
	}
	d.inbox = append(d.inbox, p.message)
	d.inbox = d.inbox[max(0, len(d.inbox)-maxKept):]
}
