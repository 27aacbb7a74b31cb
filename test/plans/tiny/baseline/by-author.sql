SELECT id FROM note WHERE author = 'nobody-in-particular'
