package push

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// Why a message can't be read, or a device not be made.
var (
	errHeader  = errors.New("push: the header of the encrypted message is not whole")
	errPadding = errors.New("push: the padding of the message does not end it")
	errTooMany = errors.New("push: too many devices")
)

const (
	saltBytes   = 16
	headerBytes = saltBytes + 4 + 1
	tagBytes    = 16
)

// decrypt reads a message of one record: RFC 8188 with the key of RFC 8291.
func decrypt(body []byte, device *ecdh.PrivateKey, auth []byte) ([]byte, error) {
	if len(body) < headerBytes {
		return nil, errHeader
	}
	salt, size, length := body[:saltBytes], binary.BigEndian.Uint32(body[saltBytes:]), int(body[headerBytes-1])
	rest := body[headerBytes:]
	if len(rest) < length+tagBytes+1 {
		return nil, errHeader
	}
	if size < tagBytes+2 || uint64(len(rest)-length) > uint64(size) {
		return nil, fmt.Errorf("%w: a push message is one record", errHeader)
	}
	senderBytes, sealed := rest[:length], rest[length:]
	sender, err := ecdh.P256().NewPublicKey(senderBytes)
	if err != nil {
		return nil, fmt.Errorf("push: the sender's key: %w", err)
	}
	shared, err := device.ECDH(sender)
	if err != nil {
		return nil, fmt.Errorf("push: the shared secret: %w", err)
	}
	info := "WebPush: info\x00" + string(device.PublicKey().Bytes()) + string(senderBytes)
	secret, err1 := hkdf.Key(sha256.New, shared, auth, info, 32)
	key, err2 := hkdf.Key(sha256.New, secret, salt, "Content-Encoding: aes128gcm\x00", 16)
	nonce, err3 := hkdf.Key(sha256.New, secret, salt, "Content-Encoding: nonce\x00", 12)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	padded, err := gcm.Open(nil, nonce, sealed, nil)
	if err != nil {
		return nil, fmt.Errorf("push: %w", err)
	}
	text := bytes.TrimRight(padded, "\x00")
	if len(text) == 0 || text[len(text)-1] != 2 { // 2 marks the last record
		return nil, errPadding
	}
	return text[:len(text)-1], nil
}
