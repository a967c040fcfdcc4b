package push

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"toban/notify"
	"toban/oncall"
	"toban/store"

	"github.com/SherClockHolmes/webpush-go"
)

// Devices are the browsers and telephones that users have subscribed. Make it
// with NewDevices.
type Devices struct {
	db           *store.DB
	identity     *ecdh.PrivateKey
	safe         *safe
	allowPrivate bool
}

// NewDevices returns the devices in a store. key is the installation's. With
// allowPrivate an endpoint may be http and on a private address, for tests and
// the demo.
func NewDevices(db *store.DB, key []byte, allowPrivate bool) (*Devices, error) {
	if db == nil {
		return nil, errors.New("push: there is no store for devices")
	}
	identity, err := deriveIdentity(key)
	if err != nil {
		return nil, err
	}
	safe, err := newSafe(key)
	if err != nil {
		return nil, err
	}
	return &Devices{db, identity, safe, allowPrivate}, nil
}

// PublicKey is what browsers subscribe to (applicationServerKey): the 65 bytes of
// a point of P-256 in base64url.
func (d *Devices) PublicKey() string {
	return base64.RawURLEncoding.EncodeToString(d.identity.PublicKey().Bytes())
}

// Subscription is what a browser hands over when its user subscribes. All but
// Agent are secrets of the device.
type Subscription struct {
	Endpoint string
	P256dh   string // base64url
	Auth     string // base64url
	Agent    string // what the browser calls itself
}

// Device is a subscription as its user sees it.
type Device struct {
	ID        string
	Agent     string
	Service   string // the host of the push service
	CreatedAt time.Time
	UsedAt    time.Time // when it last took a message; zero = never
}

const maxEndpoint = 2048

// invalid says what is wrong with a subscription.
func invalid(field, message string) error {
	return &oncall.Error{Kind: oncall.Invalid, Code: "device.invalid", Message: message, Field: field}
}

// Add keeps a device of a user. The oldest of too many goes; one that was another
// user's is this user's alone. It fails with device.invalid.
func (d *Devices) Add(ctx context.Context, user oncall.UserID, s Subscription) (Device, error) {
	u, err := d.check(s)
	if err != nil {
		return Device{}, err
	}
	row := store.Subscription{ID: idOf(s.Endpoint), User: user, Agent: s.Agent}
	row.Endpoint = d.safe.close(row.ID, "endpoint", s.Endpoint)
	row.P256dh = d.safe.close(row.ID, "p256dh", s.P256dh)
	row.Auth = d.safe.close(row.ID, "auth", s.Auth)
	made := Device{ID: row.ID, Agent: s.Agent, Service: u.Hostname()}
	err = d.db.Tx(ctx, func(tx *store.Tx) error {
		made.CreatedAt = tx.Now
		return tx.AddSubscription(ctx, row)
	})
	if err != nil {
		return Device{}, err
	}
	return made, nil
}

// List returns the devices of a user, the newest first. Those that this
// installation's key can't open are left out.
func (d *Devices) List(ctx context.Context, user oncall.UserID) ([]Device, error) {
	rows, err := d.rows(ctx, user)
	if err != nil {
		return nil, err
	}
	var list []Device
	for _, row := range rows {
		endpoint, err := d.safe.open(row.ID, "endpoint", row.Endpoint)
		if err != nil {
			continue
		}
		u, err := url.Parse(endpoint)
		if err != nil {
			continue
		}
		list = append(list, Device{ID: row.ID, Agent: row.Agent, Service: u.Hostname(), CreatedAt: row.CreatedAt, UsedAt: row.UsedAt})
	}
	return list, nil
}

// Remove forgets a device of a user. One that is not this user's stays as it is,
// and that is no error.
func (d *Devices) Remove(ctx context.Context, user oncall.UserID, id string) error {
	return d.db.Tx(ctx, func(tx *store.Tx) error {
		rows, err := tx.Subscriptions(ctx, user)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.ID == id {
				return tx.DeleteSubscription(ctx, id)
			}
		}
		return nil
	})
}

// Unsubscribe is Remove for a browser, which knows its endpoint.
func (d *Devices) Unsubscribe(ctx context.Context, user oncall.UserID, endpoint string) error {
	return d.Remove(ctx, user, idOf(endpoint))
}

// check reads a subscription as hostile: it names a host that toban will ask.
func (d *Devices) check(s Subscription) (*url.URL, error) {
	u, err := url.Parse(s.Endpoint)
	switch {
	case len(s.Endpoint) > maxEndpoint:
		return nil, invalid("/endpoint", fmt.Sprintf("the endpoint is longer than %d characters", maxEndpoint))
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !d.allowPrivate):
		return nil, invalid("/endpoint", "the endpoint is no https address of a push service")
	case !d.allowPrivate && !publicName(u.Hostname()):
		return nil, invalid("/endpoint", "the endpoint is not on a public address")
	}
	if point, err := unbase(s.P256dh); err != nil || !isPoint(point) {
		return nil, invalid("/keys/p256dh", "the key p256dh is no public key of P-256 in base64url")
	}
	if secret, err := unbase(s.Auth); err != nil || len(secret) != 16 {
		return nil, invalid("/keys/auth", "the key auth is not 16 bytes in base64url")
	}
	return u, nil
}

func unbase(text string) ([]byte, error) {
	if len(text) > 200 {
		return nil, errors.New("too long")
	}
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}

func isPoint(raw []byte) bool {
	_, err := ecdh.P256().NewPublicKey(raw)
	return err == nil
}

// idOf names a device without telling its endpoint.
func idOf(endpoint string) string {
	sum := sha256.Sum256([]byte(endpoint))
	return "dev_" + hex.EncodeToString(sum[:16])
}

// device is one that is to be reached.
type device struct {
	id           string
	usedAt       time.Time
	subscription webpush.Subscription
}

func (d *Devices) rows(ctx context.Context, user oncall.UserID) (rows []store.Subscription, err error) {
	err = d.db.Read(ctx, func(tx *store.Tx) error {
		rows, err = tx.Subscriptions(ctx, user)
		return err
	})
	return rows, err
}

// open returns the devices of a user with their secrets, or fails with a
// *notify.Failure.
func (d *Devices) open(ctx context.Context, user oncall.UserID) ([]device, error) {
	rows, err := d.rows(ctx, user)
	if err != nil {
		return nil, &notify.Failure{Class: notify.Transient, Code: "store", Err: err} // nothing was sent yet
	}
	var list []device
	for _, row := range rows {
		endpoint, err1 := d.safe.open(row.ID, "endpoint", row.Endpoint)
		p256dh, err2 := d.safe.open(row.ID, "p256dh", row.P256dh)
		auth, err3 := d.safe.open(row.ID, "auth", row.Auth)
		if errors.Join(err1, err2, err3) != nil {
			continue
		}
		list = append(list, device{row.ID, row.UsedAt, webpush.Subscription{Endpoint: endpoint, Keys: webpush.Keys{P256dh: p256dh, Auth: auth}}})
	}
	switch {
	case len(rows) == 0:
		return nil, errNoDevice()
	case len(list) == 0:
		return nil, refuse(notify.BadConfig, "device_key", "the devices of the user were kept under another installation's key")
	}
	return list, nil
}
