package twilio

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// params is what a client asked of a call.
type params struct {
	to, from       string
	program        source
	fallback       source
	status         webhook
	events         []string // of status
	timeout        time.Duration
	timeLimit      time.Duration
	sendDigits     string
	detection      string // "", Enable, DetectMessageEnd
	detectionLimit time.Duration
	async          bool
	asyncCallback  webhook
}

// webhook is an address with the method it is asked by.
type webhook struct{ url, method string }

const (
	maxURL         = 4000
	maxInlineTwiML = 4000
	maxRing        = 600
	maxTalk        = 24 * 60 * 60
	defaultTalk    = 4 * time.Hour
)

// What the provider's test numbers are refused with. The call's To has one more
// meaning than a message's.
var (
	magicTo = map[string]*apiError{
		"+15005550001": badRequest(21217, "Phone number does not appear to be valid: +15005550001"),
		"+15005550002": badRequest(21214, "'To' phone number cannot be reached"),
		"+15005550003": badRequest(21215, "Account not authorized to call +15005550003. Perhaps you need to enable some international permissions"),
		"+15005550004": badRequest(21216, "Account not allowed to call +15005550004"),
	}
	magicFrom = map[string]*apiError{
		"+15005550001": badRequest(21212, "The source phone number provided, +15005550001, is not a valid, SMS-capable inbound phone number or short code for your account"),
	}
)

const magicOwnNumber = "+15005550006"

// readParams checks a create request. The codes are the vendor's; 20001 (invalid
// parameter) stands where the vendor's own is not known for certain.
func readParams(form url.Values, owns func(number string) bool) (params, *apiError) {
	p := params{to: form.Get("To"), from: form.Get("From")}
	if p.to == "" {
		return p, badRequest(21201, "No 'To' number is specified")
	}
	if p.from == "" {
		return p, badRequest(21213, "No 'From' number is specified")
	}
	if err := p.readProgram(form); err != nil {
		return p, err
	}
	if err := magicTo[p.to]; err != nil {
		return p, err
	}
	if !isE164(p.to) {
		return p, badRequest(21211, "The phone number you are attempting to call, %s, is not valid.", p.to)
	}
	if err := magicFrom[p.from]; err != nil {
		return p, err
	}
	if !isE164(p.from) {
		return p, badRequest(21212, "Invalid 'From' phone number: %s", p.from)
	}
	if p.from != magicOwnNumber && !owns(p.from) {
		return p, badRequest(21210, "The source phone number provided, %s, is not yet verified for your account. You may only make calls from phone numbers that you've verified or purchased from Twilio.", p.from)
	}
	if err := p.readCallbacks(form); err != nil {
		return p, err
	}
	return p, p.readLimits(form)
}

func (p *params) readProgram(form url.Values) (refused *apiError) {
	address, inline := form.Get("Url"), form.Get("Twiml")
	if address == "" && inline == "" {
		if form.Get("ApplicationSid") != "" {
			return badRequest(21218, "Invalid ApplicationSid: this account has no applications")
		}
		return badRequest(21205, "Url parameter is required.")
	}
	method, refused := readMethod(form, "Method")
	if refused != nil {
		return refused
	}
	switch {
	case address != "":
		if !isWebURL(address) {
			return badRequest(21205, "Url is not a valid URL: %s", address)
		}
		p.program = source{webhook: webhook{address, method}}
	case utf8.RuneCountInString(inline) > maxInlineTwiML:
		return badRequest(20001, "The Twiml parameter is longer than %d characters", maxInlineTwiML)
	default:
		p.program = source{inline: inline}
	}
	if address = form.Get("FallbackUrl"); address != "" {
		if method, refused = readMethod(form, "FallbackMethod"); refused != nil {
			return refused
		}
		if !isWebURL(address) {
			return badRequest(21205, "FallbackUrl is not a valid URL: %s", address)
		}
		p.fallback = source{webhook: webhook{address, method}, fallback: true}
	}
	return nil
}

// The steps of a call that a client can ask to be told of.
var progressEvents = []string{"initiated", "ringing", "answered", "completed"}

func (p *params) readCallbacks(form url.Values) (refused *apiError) {
	if p.status, refused = readWebhook(form, "StatusCallback", "StatusCallbackMethod"); refused != nil {
		return refused
	}
	p.events = form["StatusCallbackEvent"]
	for _, event := range p.events {
		if !slices.Contains(progressEvents, event) {
			return badRequest(21626, "Invalid StatusCallbackEvent: %q; several events are several parameters", event)
		}
	}
	if len(p.events) == 0 {
		p.events = []string{"completed"}
	}
	p.asyncCallback, refused = readWebhook(form, "AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod")
	return refused
}

func readWebhook(form url.Values, name, methodName string) (webhook, *apiError) {
	method, refused := readMethod(form, methodName)
	if refused != nil {
		return webhook{}, refused
	}
	address := form.Get(name)
	if address != "" && !isWebURL(address) {
		return webhook{}, badRequest(21609, "Invalid '%s' URL: %s", name, address)
	}
	return webhook{address, method}, nil
}

func (p *params) readLimits(form url.Values) (refused *apiError) {
	for _, n := range []struct {
		name               string
		min, max, fallback int
		unit               time.Duration
		into               *time.Duration
	}{
		{"Timeout", 1, maxRing, 60, time.Second, &p.timeout},
		{"TimeLimit", 1, maxTalk, int(defaultTalk / time.Second), time.Second, &p.timeLimit},
		{"MachineDetectionTimeout", 3, 59, 30, time.Second, &p.detectionLimit},
		{"MachineDetectionSpeechThreshold", 1000, 6000, 2400, time.Millisecond, new(time.Duration)},
		{"MachineDetectionSpeechEndThreshold", 500, 5000, 1200, time.Millisecond, new(time.Duration)},
		{"MachineDetectionSilenceTimeout", 2000, 10000, 5000, time.Millisecond, new(time.Duration)},
	} {
		value := n.fallback
		if text := form.Get(n.name); text != "" {
			var err error
			if value, err = strconv.Atoi(text); err != nil || value < n.min || value > n.max {
				return badRequest(20001, "Invalid %s: %s is not a whole number from %d to %d", n.name, text, n.min, n.max)
			}
		}
		*n.into = time.Duration(value) * n.unit
	}
	p.sendDigits = form.Get("SendDigits")
	if len(p.sendDigits) > 32 || strings.Trim(p.sendDigits, "0123456789ABCD#*wW") != "" {
		return badRequest(21206, "Invalid SendDigits: %s", p.sendDigits)
	}
	switch p.detection = form.Get("MachineDetection"); p.detection {
	case "", "Enable", "DetectMessageEnd":
	default:
		return badRequest(20001, "Invalid MachineDetection: %s", p.detection)
	}
	switch text := form.Get("AsyncAmd"); text {
	case "", "false":
	case "true":
		p.async = true
	default:
		return badRequest(20001, "Invalid AsyncAmd: %s", text)
	}
	if p.sendDigits != "" {
		p.detection = "" // documented: both together switch detection off
	}
	return nil
}

func readMethod(form url.Values, name string) (string, *apiError) {
	switch method := form.Get(name); method {
	case "":
		return http.MethodPost, nil
	case http.MethodGet, http.MethodPost:
		return method, nil
	default:
		return "", badRequest(20001, "Invalid %s: %s", name, method)
	}
}

// isE164 asks for a plus and 7 to 15 digits, the first of them no zero.
func isE164(number string) bool {
	digits, plus := strings.CutPrefix(number, "+")
	return plus && len(digits) >= 7 && len(digits) <= 15 && digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

// isWebURL asks for an absolute address that the provider would request.
func isWebURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxURL {
		return false
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && !strings.Contains(u.Hostname(), "_")
}
