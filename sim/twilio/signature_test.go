package twilio_test

import (
	"net/url"
	"testing"

	"github.com/twilio/twilio-go/client"

	"toban/sim/twilio"
)

func TestSignaturesAreTheVendors(t *testing.T) {
	t.Parallel()
	form := url.Values{
		"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+81312345678"}, "Digits": {"4"}, "From": {"+81312345678"}, "To": {"+819012345678"},
	}
	for _, tc := range []struct {
		name, address string
		form          url.Values
		body          string
		want          string
	}{
		{"form", "https://toban.example.jp/twilio/voice/gather?attempt=01J8&lang=ja", form, form.Encode(), "KAuicyqhcSezXNBqYw2IVy68Sx8="},
		{"form, with the port", "https://toban.example.jp:443/twilio/voice/gather?attempt=01J8&lang=ja", form, form.Encode(), "Ou0g8Kas3DfmoKnP/JAbyQaQWjM="},
		{"JSON", "https://toban.example.jp/twilio/json?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862", nil, `{"a":1}`, "NbSXBCSwV6W8QoVicrxov2Xdabo="},
	} {
		got := twilio.Sign("12345", tc.address, tc.form)
		if got != tc.want {
			t.Errorf("%s: signature %s, want %s", tc.name, got, tc.want)
		}
		v := client.NewRequestValidator("12345")
		if !v.ValidateBody(tc.address, []byte(tc.body), got) {
			t.Errorf("%s: the vendor's validator refuses it", tc.name)
		}
		other := client.NewRequestValidator("54321")
		if other.ValidateBody(tc.address, []byte(tc.body), got) {
			t.Errorf("%s: the vendor's validator accepts it with another token", tc.name)
		}
	}
}
