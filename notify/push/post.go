package push

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"toban/notify"

	"github.com/SherClockHolmes/webpush-go"
)

// maxAnswer is how much of an answer is read before the connection is given up.
const maxAnswer = 64 << 10

// toOne sends an encrypted message to one device and returns why it was not
// taken, or nil. Nothing of an endpoint or of what the service says gets into
// the error: both may name the device.
func (c *Channel) toOne(ctx context.Context, d device, body []byte, n notice) *notify.Failure {
	// The library writes its padding behind the message, into what others read too.
	body = slices.Clip(body)
	res, err := webpush.SendNotificationWithContext(ctx, body, &d.subscription, &webpush.Options{
		HTTPClient: c.client, Subscriber: c.subscriber(), VAPIDPublicKey: c.PublicKey(), VAPIDPrivateKey: c.private,
		TTL: int(n.ttl / time.Second), Topic: n.topic, Urgency: n.urgency,
	})
	if err != nil {
		return unanswered(err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer)) // so that the connection can be used again
	return answered(res, time.Now())
}

// unanswered is why no answer came.
func unanswered(err error) *notify.Failure {
	var dial *net.OpError
	switch {
	case errors.Is(err, errForbidden):
		return refuse(notify.BadConfig, "private_address", "the address of the device is not a public one")
	case errors.As(err, &dial) && dial.Op == "dial":
		return refuse(notify.Transient, "dial", "the push service can't be connected to")
	}
	// It may have been taken; the topic makes a repetition harmless.
	return refuse(notify.Transient, "cut", "the push service did not answer")
}

// answered reads an answer; nil means that the message was taken.
func answered(res *http.Response, now time.Time) *notify.Failure {
	code := "http" + strconv.Itoa(res.StatusCode)
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return nil
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone:
		return refuse(notify.BadAddress, code, "the device has unsubscribed")
	case res.StatusCode == http.StatusTooManyRequests:
		f := refuse(notify.Throttled, code, "the push service takes no more messages now")
		f.After = retryAfter(res.Header.Get("Retry-After"), now)
		return f
	case res.StatusCode == http.StatusRequestTimeout || res.StatusCode >= 500:
		return refuse(notify.Transient, code, "the push service is in trouble")
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return refuse(notify.BadConfig, code, "the push service does not accept this sender")
	case res.StatusCode == http.StatusRequestEntityTooLarge:
		return refuse(notify.BadConfig, code, "the push service finds the message too large")
	}
	return refuse(notify.BadConfig, code, "the push service refuses the message")
}

// retryAfter reads seconds or a date. A service that does not say is given half
// a minute, which is longer than the next person should wait.
func retryAfter(text string, now time.Time) time.Duration {
	const most = 24 * time.Hour
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, int(most/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), most)
	}
	return 30 * time.Second
}

func refuse(class notify.Class, code, text string) *notify.Failure {
	return &notify.Failure{Class: class, Code: code, Err: errors.New(text)}
}

func errNoDevice() *notify.Failure {
	return refuse(notify.BadAddress, "no_device", "no device of the user takes push messages")
}
