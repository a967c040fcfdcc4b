package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// maxPage bounds what is read of an answer.
const maxPage = 8 << 20

// get asks for a page and reads it whole, as it is sent.
func (p *pageReader) get(ctx context.Context, path string) (body []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header = p.header.Clone()
	res, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if body, err = io.ReadAll(io.LimitReader(res.Body, maxPage)); err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s was answered %s", path, res.Status)
	}
	return body, nil
}

// text is get unpacked.
func (p *pageReader) text(ctx context.Context, path string) (string, error) {
	body, err := p.get(ctx, path)
	if err != nil {
		return "", err
	}
	if !bytes.HasPrefix(body, []byte("\x1f\x8b")) { // too small to be packed
		return string(body), nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxPage))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return string(plain), nil
}

var furtherPage = regexp.MustCompile(`href="(/\?[^"]*cursor=[^"]*)"`)

// next is the page behind one of the list; "" where it ends.
func (p *pageReader) next(ctx context.Context, path string) (string, error) {
	text, err := p.text(ctx, path)
	if err != nil {
		return "", err
	}
	found := furtherPage.FindStringSubmatch(text)
	if found == nil {
		return "", nil
	}
	return html.UnescapeString(found[1]), nil
}

// setUpLink is what a toban says at its start while nobody has an account.
var setUpLink = regexp.MustCompile(`http://\S+/setup/\S+`)

// signUp makes the first account by the link that toban has printed, as its
// operator does, and returns the cookie of the session.
func (s *site) signUp(ctx context.Context) (cookie string, err error) {
	link := ""
	err = patiently(ctx, startWithin, func() (bool, error) { // it may be ready before its words are here
		link = setUpLink.FindString(s.child.said.String())
		return link != "", nil
	})
	switch {
	case err != nil:
		return "", err
	case link == "":
		return "", fmt.Errorf("toban has printed no link for the first account:\n%s", s.child.said)
	}
	const password = "a-long-enough-secret-42"
	form := url.Values{"account": {firstAccount}, "password": {password}, "again": {password}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, link, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	reader := newPageReader(s.child.Address, "")
	defer reader.close()
	res, err := reader.client.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	for _, c := range res.Cookies() {
		if c.HttpOnly && c.Value != "" && c.MaxAge >= 0 {
			return c.Name + "=" + c.Value, nil
		}
	}
	return "", fmt.Errorf("the form of the first account was answered %s without a session", res.Status)
}
