package probe

import "regexp"

// sslRequest asks a PostgreSQL server for TLS.
const sslRequest = "\x00\x00\x00\x08\x04\xd2\x16\x2f"

// startTLS is the conversation by which a protocol begins TLS, nil for one that
// is not known.
func startTLS(protocol string) []QueryResponse {
	line := regexp.MustCompile
	switch protocol {
	case "smtp":
		no := line(`^[45]\d\d`)
		return []QueryResponse{
			{Expect: line(`^220 `), Send: "EHLO toban\r", refuse: no},
			{Expect: line(`^250 `), Send: "STARTTLS\r", refuse: no},
			{Expect: line(`^220`), StartTLS: true, refuse: no},
		}
	case "imap":
		return []QueryResponse{
			{Expect: line(`^\* OK`), Send: "a1 STARTTLS\r", refuse: line(`^\* BYE`)},
			{Expect: line(`^a1 OK`), StartTLS: true, refuse: line(`^a1 (NO|BAD)|^\* BYE`)},
		}
	case "pop3":
		no := line(`^-ERR`)
		return []QueryResponse{
			{Expect: line(`^\+OK`), Send: "STLS\r", refuse: no},
			{Expect: line(`^\+OK`), StartTLS: true, refuse: no},
		}
	case "ftp":
		no := line(`^[45]\d\d`)
		return []QueryResponse{
			{Expect: line(`^220 `), Send: "AUTH TLS\r", refuse: no},
			{Expect: line(`^234`), StartTLS: true, refuse: no},
		}
	case "postgres": // an SSLRequest, which is answered by one byte
		return []QueryResponse{
			{SendBytes: sslRequest},
			{ExpectBytes: "S", StartTLS: true},
		}
	}
	return nil
}
