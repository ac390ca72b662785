"""What is known about Tencent News. Pure: no Scrapy, no disk, no clock."""
