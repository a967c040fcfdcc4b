package twilio

import (
	"net/url"
	"testing"

	"github.com/twilio/twilio-go/client"
)

func TestSignaturesAreTheVendors(t *testing.T) {
	t.Parallel()
	form := url.Values{
		"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+81312345678"}, "Digits": {"4"}, "From": {"+81312345678"}, "To": {"+819012345678"},
	}
	const gather = "https://toban.example.jp/twilio/voice/gather?attempt=01J8&lang=ja"
	for _, tc := range []struct {
		name, target, signature string
		form                    url.Values
		body                    string
		tokens                  []string
		want                    bool
	}{
		{"a form", gather, "KAuicyqhcSezXNBqYw2IVy68Sx8=", form, "", []string{"12345"}, true},
		{"signed with the port", gather, "Ou0g8Kas3DfmoKnP/JAbyQaQWjM=", form, "", []string{"12345"}, true},
		{"signed without the port that the URL has", "https://toban.example.jp:443/twilio/voice/gather?attempt=01J8&lang=ja", "KAuicyqhcSezXNBqYw2IVy68Sx8=", form, "", []string{"12345"}, true},
		{"the old token", gather, "KAuicyqhcSezXNBqYw2IVy68Sx8=", form, "", []string{"new", "12345"}, true},
		{"another token", gather, "KAuicyqhcSezXNBqYw2IVy68Sx8=", form, "", []string{"54321"}, false},
		{"no token", gather, "KAuicyqhcSezXNBqYw2IVy68Sx8=", form, "", []string{""}, false},
		{"no signature", gather, "", form, "", []string{"12345"}, false},
		{"another key pressed", gather, "KAuicyqhcSezXNBqYw2IVy68Sx8=", url.Values{"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+81312345678"}, "Digits": {"1"}, "From": {"+81312345678"}, "To": {"+819012345678"}}, "", []string{"12345"}, false},
		{"another path", "https://toban.example.jp/twilio/voice/menu?attempt=01J8&lang=ja", "KAuicyqhcSezXNBqYw2IVy68Sx8=", form, "", []string{"12345"}, false},
		{"JSON", "https://toban.example.jp/twilio/json?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862", "NbSXBCSwV6W8QoVicrxov2Xdabo=", nil, `{"a":1}`, []string{"12345"}, true},
		{"JSON that was changed", "https://toban.example.jp/twilio/json?bodySHA256=015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862", "NbSXBCSwV6W8QoVicrxov2Xdabo=", nil, `{"a":2}`, []string{"12345"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			target, err := url.Parse(tc.target)
			if err != nil {
				t.Fatal(err)
			}
			if got := signed(target, tc.form, []byte(tc.body), tc.signature, tc.tokens...); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			body := tc.body
			if tc.form != nil {
				body = tc.form.Encode()
			}
			theirs := false
			for _, token := range tc.tokens {
				v := client.NewRequestValidator(token)
				theirs = theirs || token != "" && v.ValidateBody(tc.target, []byte(body), tc.signature)
			}
			if theirs != tc.want {
				t.Errorf("the vendor's validator says %v, want %v", theirs, tc.want)
			}
		})
	}
}
